import type { Clock } from '@batchwright/core';
import type {
  CancelCall,
  Upstream,
  UpstreamCall,
  UpstreamEvents,
} from '../../packages/server/src/dispatch/upstream/upstream.ts';
import type { Chance } from './chance.ts';

/** What the upstream did for one prompt; prompts carry their batch and request, so these are kept by both. */
export interface CallRecord {
  readonly startedAtMs: number;
  readonly prompt: string;
}

type Answer = (events: UpstreamEvents, prompt: string) => void;

/**
 * An upstream on virtual time that does whatever upstreams do: answers soon or late, refuses, breaks, stalls, sends half a
 * body, ends twice. `calm` makes it behave from then on.
 */
export class HostileUpstream implements Upstream {
  readonly name = 'hostile';
  readonly isSimulated = false;
  readonly calls: CallRecord[] = [];
  inFlight = 0;
  peakInFlight = 0;
  calm = false;
  readonly #outstanding = new Set<CancelCall>();
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #malice: number;

  constructor(clock: Clock, chance: Chance, malice: number) {
    this.#clock = clock;
    this.#chance = chance;
    this.#malice = malice;
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    const prompt = promptOf(request.body as Uint8Array);
    this.calls.push({ startedAtMs: this.#clock.now(), prompt });
    this.inFlight++;
    this.peakInFlight = Math.max(this.peakInFlight, this.inFlight);
    let isOver = false;
    const over = (): void => {
      if (!isOver) this.inFlight--;
      isOver = true;
    };
    const chance = this.#chance;
    const hostile = !this.calm && chance.isLucky(this.#malice);
    const answer = prompt.includes('refuse-me') ? REFUSAL : hostile ? chance.pick(HOSTILE) : SUCCESS;
    const latencyMs = hostile ? chance.between(0, 90_000) : chance.between(1, 3000);
    const timer = this.#clock.after(latencyMs, () => {
      over();
      this.#outstanding.delete(cancel);
      answer(events, prompt);
    });
    const cancel = (): void => {
      timer.cancel();
      over();
      this.#outstanding.delete(cancel);
    };
    this.#outstanding.add(cancel);
    return cancel;
  }

  /** The caller's process died, and its connections with it. */
  dropAll(): void {
    for (const cancel of [...this.#outstanding]) cancel();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function promptOf(body: Uint8Array): string {
  const params = JSON.parse(Buffer.from(body).toString()) as { messages: { content: string }[] };
  return params.messages[0]?.content ?? '';
}

const respond =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (events) => {
    events.onHead(status, { 'content-type': 'application/json', ...headers });
    events.onData(Buffer.from(body));
    events.onEnd();
  };

const envelope = (type: string, message: string, details?: object): string =>
  JSON.stringify({ type: 'error', error: { type, message, ...(details === undefined ? {} : { details }) } });

function message(prompt: string): string {
  return JSON.stringify({
    id: 'msg_1',
    type: 'message',
    content: [{ type: 'text', text: `answer to ${prompt}` }],
    usage: { input_tokens: 1, output_tokens: 1, service_tier: 'standard' },
  });
}

const SUCCESS: Answer = (events, prompt) => {
  const bytes = Buffer.from(message(prompt));
  const half = bytes.length >> 1;
  events.onHead(200, { 'content-type': 'application/json' });
  events.onData(bytes.subarray(0, half));
  events.onData(bytes.subarray(half));
  events.onEnd();
};

const REFUSAL: Answer = respond(400, envelope('invalid_request_error', 'messages: this one is refused'));

const HOSTILE: readonly Answer[] = [
  respond(429, envelope('rate_limit_error', 'slow down'), { 'retry-after': '7' }),
  respond(429, envelope('rate_limit_error', 'slow down')),
  respond(429, envelope('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' })),
  respond(401, envelope('authentication_error', 'no such key')),
  respond(529, envelope('overloaded_error', 'busy'), { 'retry-after': '2' }),
  respond(500, envelope('api_error', 'oops')),
  respond(502, '<html>bad gateway</html>'),
  respond(504, ''),
  respond(404, 'not here'),
  respond(200, '{"id":"msg_half","content":[{"type":"te'),
  respond(200, ''),
  respond(200, '"a string"'),
  (events) => events.onFailure('ECONNRESET: socket hang up', false),
  (events) => events.onFailure('UND_ERR_BODY_TIMEOUT', true),
  (events) => {
    events.onHead(200, {});
    events.onData(Buffer.from('{"half":'));
    events.onFailure('UND_ERR_SOCKET: other side closed', false);
  },
  // Ends twice, and fails after it ended: only the first may count.
  (events, prompt) => {
    SUCCESS(events, prompt);
    events.onEnd();
    events.onFailure('too late', false);
  },
  SUCCESS,
];
