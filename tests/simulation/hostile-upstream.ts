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

/** What an answer says: to which prompt, and what it claims to have cost. */
interface Said {
  readonly prompt: string;
  readonly model: string | undefined;
  readonly usage: Readonly<Record<string, unknown>>;
}

type Answer = (events: UpstreamEvents, said: Said) => void;

/** An answer that begins, and ends some time later. */
interface StreamedAnswer {
  begin(events: UpstreamEvents, said: Said): void;
  end(events: UpstreamEvents, said: Said): void;
}

/**
 * An upstream on virtual time that does whatever upstreams do: answers soon or late, refuses, breaks, stalls, sends half a
 * body, ends twice. `calm` makes it behave from then on.
 */
export class HostileUpstream implements Upstream {
  readonly name = 'hostile';
  readonly isSimulated = false;
  readonly calls: CallRecord[] = [];
  /** Calls that were to be streamed: those of leaders. */
  streams = 0;
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
    const { prompt, isStream } = readCall(request.body as Uint8Array);
    this.calls.push({ startedAtMs: this.#clock.now(), prompt });
    if (isStream) this.streams++;
    this.inFlight++;
    this.peakInFlight = Math.max(this.peakInFlight, this.inFlight);
    let isOver = false;
    const over = (): void => {
      if (!isOver) this.inFlight--;
      isOver = true;
    };
    const chance = this.#chance;
    const hostile = !this.calm && chance.isLucky(this.#malice);
    const answers = isStream ? HOSTILE_TO_STREAMS : HOSTILE;
    const usual = isStream ? STREAM : SUCCESS;
    const answer = prompt.includes('refuse-me') ? REFUSAL : hostile ? chance.pick(answers) : usual;
    const latencyMs = hostile ? chance.between(0, 90_000) : chance.between(1, 3000);
    const said = { prompt, model: chance.pick(MODELS), usage: chance.pick(USAGES) };
    const end = (): void => {
      over();
      this.#outstanding.delete(cancel);
    };
    let timer = this.#clock.after(latencyMs, () => {
      if (typeof answer === 'function') {
        end();
        return answer(events, said);
      }
      answer.begin(events, said);
      timer = this.#clock.after(latencyMs, () => {
        end();
        answer.end(events, said);
      });
    });
    const cancel = (): void => {
      timer.cancel();
      end();
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

/** The prompt's last text names it; what comes before is shared with others. */
function readCall(body: Uint8Array): { readonly prompt: string; readonly isStream: boolean } {
  const params = JSON.parse(Buffer.from(body).toString()) as {
    stream?: boolean;
    messages: { content: string | { text: string }[] }[];
  };
  const content = params.messages[0]?.content ?? '';
  const prompt = typeof content === 'string' ? content : (content.at(-1)?.text ?? '');
  return { prompt, isStream: params.stream === true };
}

/** Who answers: models with a price and without, and nobody. */
const MODELS = ['claude-sonnet-4-5', 'claude-haiku-5-5', 'some-local-model', undefined];

/** What upstreams say of their caches, true or not: nobody may wait for ever because of it. */
const USAGES: readonly Said['usage'][] = [
  { input_tokens: 1 },
  { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  { input_tokens: 1, cache_creation_input_tokens: 1500, cache_read_input_tokens: 0 },
  { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 1500 },
  { input_tokens: 1, cache_creation_input_tokens: 700, cache_read_input_tokens: 300 },
  {
    input_tokens: 3,
    cache_creation_input_tokens: 1500,
    cache_creation: { ephemeral_5m_input_tokens: 1499, ephemeral_1h_input_tokens: 1 },
    inference_geo: 'us',
  },
];

const respond =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (events) => {
    events.onHead(status, { 'content-type': 'application/json', ...headers });
    events.onData(Buffer.from(body));
    events.onEnd();
  };

const envelope = (type: string, message: string, details?: object): string =>
  JSON.stringify({ type: 'error', error: { type, message, ...(details === undefined ? {} : { details }) } });

function message({ prompt, model, usage }: Said): string {
  return JSON.stringify({
    id: 'msg_1',
    type: 'message',
    model,
    content: [{ type: 'text', text: `answer to ${prompt}` }],
    usage: { ...usage, output_tokens: 1, service_tier: 'standard' },
  });
}

const SUCCESS: Answer = (events, said) => {
  const bytes = Buffer.from(message(said));
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
  (events, said) => {
    SUCCESS(events, said);
    events.onEnd();
    events.onFailure('too late', false);
  },
  SUCCESS,
];

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

function startOfStream(events: UpstreamEvents, { model, usage }: Said): void {
  const started = { id: 'msg_1', type: 'message', model, content: [], usage: { ...usage, output_tokens: 1 } };
  events.onHead(200, { 'content-type': 'text/event-stream' });
  events.onData(Buffer.from(event('message_start', { message: started })));
}

function restOfStream(events: UpstreamEvents, { prompt }: Said): void {
  const delta = { type: 'text_delta', text: `answer to ${prompt}` };
  const rest = [
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('content_block_delta', { index: 0, delta }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } }),
    event('message_stop', {}),
  ].join('');
  const half = rest.length >> 1;
  events.onData(Buffer.from(rest.slice(0, half)));
  events.onData(Buffer.from(rest.slice(half)));
}

const STREAM: StreamedAnswer = {
  begin: startOfStream,
  end: (events, said) => {
    restOfStream(events, said);
    events.onEnd();
  },
};

/** What a stream can do besides. */
const HOSTILE_TO_STREAMS: readonly (Answer | StreamedAnswer)[] = [
  ...HOSTILE,
  STREAM,
  { begin: startOfStream, end: (events) => events.onFailure('ECONNRESET: socket hang up', false) },
  { begin: startOfStream, end: (events) => events.onEnd() },
  {
    begin: startOfStream,
    end: (events) => {
      events.onData(Buffer.from(event('error', { error: { type: 'overloaded_error', message: 'busy' } })));
      events.onEnd();
    },
  },
  {
    begin: (events) => events.onHead(200, { 'content-type': 'text/event-stream' }),
    end: (events) => {
      events.onData(Buffer.from('event: message_start\ndata: {"type":"mess\n\n'));
      events.onEnd();
    },
  },
  // Goes on after its end; nothing of that may count.
  {
    begin: startOfStream,
    end: (events, said) => {
      restOfStream(events, said);
      restOfStream(events, said);
      events.onEnd();
      events.onFailure('too late', false);
    },
  },
];
