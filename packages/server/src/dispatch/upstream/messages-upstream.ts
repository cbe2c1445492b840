import type { Client, Dispatcher } from 'undici';
import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/**
 * Any base URL that speaks `/v1/messages`, over undici.
 *
 * A free list of `Client`s, one connection and one request each, and not undici's `Pool`: the pool looks for a client by
 * walking its list from the front, so its cost per request grows with the connections (28 to 41 µs from 256 to 1,024;
 * the free list stays near 26). Pipelining gained nothing measurable and would let one slow answer hold up others.
 * Handlers are undici's raw ones (`onHeaders`, `onData`, …), which skip building a header object per answer.
 */
export interface MessagesUpstreamOptions {
  /** Scheme, host and an optional path prefix; a trailing `/v1` is tolerated. */
  readonly baseUrl: string;
  /** Sent as `x-api-key`; null sends no credential. */
  readonly apiKey: string | null;
  /** Longest wait for the head of an answer, and between two pieces of its body. */
  readonly timeoutMs: number;
}

export async function openMessagesUpstream(options: MessagesUpstreamOptions): Promise<Upstream> {
  // Loaded here and not at the top: undici is half of the server's start-up time, and listening does not need it.
  const undici = await import('undici');
  return new MessagesUpstream(options, undici.Client);
}

/** To say nothing would allow any encoding, and an answer's bytes go into the results as they come. */
const UNCOMPRESSED = ['accept-encoding', 'identity'] as const;

class MessagesUpstream implements Upstream {
  readonly name: string;
  readonly isSimulated = false;
  readonly #origin: string;
  readonly #prefix: string;
  /** Headers of every call, names and values in turn. */
  readonly #always: readonly string[];
  readonly #options: MessagesUpstreamOptions;
  readonly #makeClient: typeof Client;
  readonly #idle: Client[] = [];
  readonly #all = new Set<Client>();

  constructor(options: MessagesUpstreamOptions, makeClient: typeof Client) {
    const url = new URL(options.baseUrl);
    this.name = url.origin;
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#always = [...UNCOMPRESSED, ...(options.apiKey === null ? [] : ['x-api-key', options.apiKey])];
    this.#options = options;
    this.#makeClient = makeClient;
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    const client = this.#idle.pop() ?? this.#connect();
    const exchange = new Exchange(events, () => this.#idle.push(client));
    client.dispatch(
      {
        method: request.method,
        path: this.#prefix + request.path,
        headers: this.#headers(request.headers),
        body: request.body,
      },
      exchange,
    );
    return () => exchange.cancel();
  }

  async close(): Promise<void> {
    const clients = [...this.#all];
    this.#all.clear();
    this.#idle.length = 0;
    await Promise.all(clients.map((client) => client.destroy()));
  }

  #connect(): Client {
    const client = new this.#makeClient(this.#origin, {
      pipelining: 1,
      headersTimeout: this.#options.timeoutMs,
      bodyTimeout: this.#options.timeoutMs,
      connect: { timeout: 10_000 },
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 600_000,
    });
    this.#all.add(client);
    return client;
  }

  #headers(headers: Readonly<Record<string, string>>): string[] {
    const flat = [...this.#always];
    for (const name in headers) flat.push(name, headers[name] as string);
    return flat;
  }
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
]);

/** One exchange on one connection, as undici's raw handler. The connection is free again when the exchange is over. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #events: UpstreamEvents;
  #release: (() => void) | null;
  #abort: ((error?: Error) => void) | null = null;
  #over = false;

  constructor(events: UpstreamEvents, release: () => void) {
    this.#events = events;
    this.#release = release;
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort?.();
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#over) abort();
  }

  onHeaders(status: number, raw: Buffer[]): boolean {
    // Interim answers (100, 103) are not the answer.
    if (!this.#over && status >= 200) this.#events.onHead(status, parseHeaders(raw));
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (!this.#over) this.#events.onData(chunk);
    return true;
  }

  onComplete(): void {
    this.#free();
    if (this.#over) return;
    // What is thrown in here undici hands to `onError`, and the caller gets to know of it there.
    this.#events.onEnd();
    this.#over = true;
  }

  onError(error: Error & { readonly code?: string }): void {
    this.#free();
    if (this.#over) return;
    this.#over = true;
    const code = error.code ?? '';
    this.#events.onFailure(code === '' ? error.message : `${code}: ${error.message}`, TIMEOUT_CODES.has(code));
  }

  /** Once: a connection given back twice would serve two calls at the same time. */
  #free(): void {
    this.#release?.();
    this.#release = null;
  }
}

function parseHeaders(raw: readonly Buffer[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as Buffer).toString('latin1').toLowerCase();
    const value = (raw[i + 1] as Buffer).toString('latin1');
    const before = headers[name];
    headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers;
}
