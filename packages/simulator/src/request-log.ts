import { Buffer } from 'node:buffer';
import type { ExchangeOutcome, SimulatorCall } from './exchange.ts';

/** One request as it arrived, and what became of it. */
export interface LoggedRequest {
  /** Counting from 1, also past those no longer kept. */
  readonly number: number;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly customId: string | null;
  readonly requestId: string;
  /** The exact bytes received, or null where there were none or they are no longer kept. */
  body: Uint8Array | null;
  readonly bodyBytes: number;
  status: number | null;
  outcome: ExchangeOutcome;
}

export const DEFAULT_LOG_ENTRIES = 1000;
export const DEFAULT_LOG_BODY_BYTES = 16 * 1024 * 1024;

const SECRET_HEADERS = new Set(['authorization', 'x-api-key', 'proxy-authorization', 'cookie']);

/**
 * The latest requests, byte for byte, so that a test can prove what was sent. Bounded both ways: entries fall out
 * oldest first, and bodies are let go of before their entries when they get too many bytes.
 */
export class RequestLog {
  readonly #maxEntries: number;
  readonly #maxBodyBytes: number;
  /** A queue whose first `#gone` places are already empty; cut back when half of it is. */
  #entries: LoggedRequest[] = [];
  #gone = 0;
  #added = 0;
  #bodiesFrom = 0;
  #bodyBytes = 0;

  constructor(maxEntries: number, maxBodyBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBodyBytes = maxBodyBytes;
  }

  add(call: SimulatorCall, atMs: number, requestId: string): LoggedRequest {
    const customId = call.headers['batchwright-custom-id'];
    const entry: LoggedRequest = {
      number: ++this.#added,
      atMs,
      method: call.method,
      path: call.path,
      headers: shownHeaders(call.headers),
      customId: typeof customId === 'string' ? customId : null,
      requestId,
      body: this.#kept(call.body),
      bodyBytes: call.body?.length ?? 0,
      status: null,
      outcome: 'in_flight',
    };
    this.#entries.push(entry);
    this.#bodyBytes += entry.body?.length ?? 0;
    this.#trim();
    return entry;
  }

  /** Entries after a number, oldest first. */
  list(after = 0): readonly Readonly<LoggedRequest>[] {
    return this.#entries.slice(this.#gone).filter((entry) => entry.number > after);
  }

  clear(): void {
    this.#entries = [];
    this.#gone = 0;
    this.#added = 0;
    this.#bodiesFrom = 0;
    this.#bodyBytes = 0;
  }

  /** A copy: the caller's buffer is its own again once the call is over. */
  #kept(body: Uint8Array | null): Uint8Array | null {
    return body === null || body.length > this.#maxBodyBytes || this.#maxEntries === 0 ? null : Buffer.from(body);
  }

  #trim(): void {
    while (this.#entries.length - this.#gone > this.#maxEntries) this.#dropBody(this.#gone++);
    this.#bodiesFrom = Math.max(this.#bodiesFrom, this.#gone);
    while (this.#bodyBytes > this.#maxBodyBytes) this.#dropBody(this.#bodiesFrom++);
    if (this.#gone > 64 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#bodiesFrom -= this.#gone;
      this.#gone = 0;
    }
  }

  #dropBody(index: number): void {
    const entry = this.#entries[index];
    if (entry === undefined || entry.body === null) return;
    this.#bodyBytes -= entry.body.length;
    entry.body = null;
  }
}

function shownHeaders(headers: SimulatorCall['headers']): Readonly<Record<string, string>> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    shown[name] = SECRET_HEADERS.has(name) ? '(hidden)' : typeof value === 'string' ? value : value.join(', ');
  }
  return shown;
}
