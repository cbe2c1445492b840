import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer, message } from '../harness/scripted-upstream.ts';

/** One call that reached the upstream. Times are `performance.now()`. */
export interface UpstreamCall {
  readonly customId: string;
  /** Which life of the server made it; moved by `beginLife`. */
  readonly life: number;
  readonly arrivedMs: number;
  /** When the answer was out of our hands; null while it is not, and for ever when the caller was gone before. */
  answeredMs: number | null;
}

export interface UpstreamAnswer {
  /** Waited before the answer; 0 answers at once, and a promise when it resolves. */
  readonly after?: number | Promise<unknown>;
  /** Characters added to the answer's text. */
  readonly padding?: number;
  /** The status of an error that is answered instead; null answers well. */
  readonly failure?: number | null;
}

export interface CountingUpstream {
  readonly url: string;
  readonly calls: readonly UpstreamCall[];
  readonly answeredCount: number;
  /** Most calls of one life that were open at once. */
  readonly mostOpen: number;
  beginLife(): void;
  callsOf(customId: string): readonly UpstreamCall[];
  close(): Promise<void>;
}

/** What a row's text must be: an answer to somebody else's question would show. */
export function answerTo(customId: string): string {
  return `answer to ${customId}`;
}

/**
 * An upstream in the test's own process, which survives every crash of the server and remembers each call. The prompt of
 * a request begins with its custom_id and a blank.
 */
export async function startCountingUpstream(
  script: (customId: string, before: number) => UpstreamAnswer = () => ({}),
): Promise<CountingUpstream> {
  const upstream = new Counting(script);
  await new Promise<void>((resolve) => upstream.server.listen(0, '127.0.0.1', resolve));
  return upstream;
}

class Counting implements CountingUpstream {
  readonly calls: UpstreamCall[] = [];
  readonly server = createServer((request, response) => void this.#answer(request, response));
  readonly #script: (customId: string, before: number) => UpstreamAnswer;
  readonly #byId = new Map<string, UpstreamCall[]>();
  #life = 0;
  #open = 0;
  mostOpen = 0;
  answeredCount = 0;

  constructor(script: (customId: string, before: number) => UpstreamAnswer) {
    this.#script = script;
    // A connection closed for idling just when the server uses it again would look like a call that failed.
    this.server.keepAliveTimeout = 0;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  beginLife(): void {
    this.#life++;
    this.#open = 0;
  }

  callsOf(customId: string): readonly UpstreamCall[] {
    return this.#byId.get(customId) ?? [];
  }

  close(): Promise<void> {
    return closeServer(this.server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const customId = await promptedId(request);
    if (customId === null) return;
    const before = this.callsOf(customId).length;
    const call = this.#arrived(customId, response);
    const { after = 0, padding = 0, failure = null } = this.#script(customId, before);
    if (after !== 0) await (typeof after === 'number' ? new Promise((resolve) => setTimeout(resolve, after)) : after);
    if (response.destroyed) return;
    const body = failure === null ? message(answerTo(customId) + ' '.repeat(padding)) : FAILED;
    response.writeHead(failure ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body), () => {
      call.answeredMs = performance.now();
      this.answeredCount++;
    });
  }

  #arrived(customId: string, response: ServerResponse): UpstreamCall {
    const call: UpstreamCall = { customId, life: this.#life, arrivedMs: performance.now(), answeredMs: null };
    this.calls.push(call);
    const known = this.#byId.get(customId);
    if (known === undefined) this.#byId.set(customId, [call]);
    else known.push(call);
    this.#open++;
    this.mostOpen = Math.max(this.mostOpen, this.#open);
    response.once('close', () => {
      if (call.life === this.#life) this.#open--;
    });
    return call;
  }
}

const FAILED = { type: 'error', error: { type: 'api_error', message: 'not now' } };

/** Null when the server died while it was sending the request. */
async function promptedId(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  const { messages } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { messages: { content: string }[] };
  return messages[0]?.content.split(' ', 1)[0] ?? '';
}
