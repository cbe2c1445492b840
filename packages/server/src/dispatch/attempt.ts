import { classifyAnswer, headerValue, type AnswerHeaders, type UpstreamAnswer } from '@batchwright/core';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { ANSWER_LIMIT_BYTES } from './answer-limit.ts';
import type { OpenEnd, OpenEnds } from './open-ends.ts';
import { StreamedMessage, type StartUsage } from './streamed-message.ts';
import type { CancelCall, UpstreamEvents } from './upstream/upstream.ts';

/** What may come after a stream's last event: a word of farewell, and a ping or two. */
const TRAILING_LIMIT_BYTES = 1024;

export interface AttemptEvents {
  onFirstByte(attempt: Attempt): void;
  /** A streamed answer has begun, and with it what its prompt cost at the cache; null when it does not say. */
  onStart(attempt: Attempt, usage: StartUsage | null): void;
  /** The attempt is over. For `succeeded`, `body` holds the answer's bytes. */
  onAnswer(attempt: Attempt, answer: UpstreamAnswer, body: Uint8Array): void;
}

/**
 * One try of one request at the upstream: gathers the answer's bytes, puts a streamed one together, and ends in exactly
 * one `onAnswer`, unless cancelled.
 */
export class Attempt implements UpstreamEvents, OpenEnd {
  readonly startedAtMs: number;
  readonly #events: AttemptEvents;
  readonly #now: () => number;
  readonly #ends: OpenEnds;
  #cancel: CancelCall | null = null;
  #status: number | null = null;
  #headers: Readonly<Record<string, string | readonly string[] | undefined>> = NO_HEADERS;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #stream: StreamedMessage | null = null;
  #over = false;
  #hasEnded = false;

  constructor(events: AttemptEvents, now: () => number, ends: OpenEnds) {
    this.#events = events;
    this.#now = now;
    this.#ends = ends;
    this.startedAtMs = now();
  }

  get headers(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return this.#headers;
  }

  /** Null until an answer's head has come. */
  get status(): number | null {
    return this.#status;
  }

  /** The upstream is done with the call, its body included; an attempt can be over sooner. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Ties the attempt to its call; a call that was over before it returned needs no tie. */
  started(cancel: CancelCall): void {
    if (this.#over) return;
    this.#cancel = cancel;
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel?.();
  }

  /** Closes the connection of a stream that is over. */
  cut(): void {
    this.#cancel?.();
  }

  onHead(status: number, headers: Readonly<Record<string, string | readonly string[] | undefined>>): void {
    this.#status = status;
    this.#headers = headers;
    this.#events.onFirstByte(this);
    // Who was asked for a stream may still answer whole; and one that is compressed can be read only when it is.
    if (status === 200 && isEventStream(headers) && decoderFor(headers) === undefined) this.#stream = this.#newStream();
  }

  onData(chunk: Uint8Array): void {
    if (this.#over) this.#pass(chunk);
    else if (this.#stream === null) this.#gather(chunk);
    else {
      this.#stream.push(chunk);
      // Nothing that follows can change the answer, and an upstream that goes on for ever must not hold a place.
      if (this.#stream.isOver) this.#endStream(this.#stream);
      // A model that goes on answering is paid for it.
      if (this.#stream.hasFailed) this.cut();
      else if (this.#stream.isOver) this.#ends.add(this);
    }
  }

  #newStream(): StreamedMessage {
    return new StreamedMessage((usage) => this.#events.onStart(this, usage));
  }

  /** After its last event a stream is left to end by itself, so that its connection can be used again; but not for ever. */
  #pass(chunk: Uint8Array): void {
    const before = this.#bytes;
    this.#bytes += chunk.byteLength;
    if (before > TRAILING_LIMIT_BYTES || this.#bytes <= TRAILING_LIMIT_BYTES) return;
    this.#ends.ended(this);
    this.cut();
  }

  #gather(chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes <= ANSWER_LIMIT_BYTES) {
      this.#chunks.push(chunk);
      return;
    }
    this.#cancel?.();
    this.#finish({ type: 'broken', reason: `the answer is longer than ${ANSWER_LIMIT_BYTES} bytes` }, EMPTY);
  }

  #endStream(stream: StreamedMessage): void {
    const { answer, body } = stream.end(this.#headers, this.#now());
    this.#finish(answer, body);
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (this.#over) return this.#ends.ended(this);
    if (this.#stream !== null) return this.#endStream(this.#stream);
    const sent = this.#chunks.length === 1 ? (this.#chunks[0] as Uint8Array) : Buffer.concat(this.#chunks, this.#bytes);
    const body = decoded(sent, decoderFor(this.#headers));
    if (this.#status === 200 && holdsEvents(body)) return this.#readEvents(body);
    this.#finish(
      classifyAnswer({
        status: this.#status ?? 0,
        headers: this.#headers,
        body: this.#status === 200 ? null : errorBody(body),
        nowMs: this.#now(),
      }),
      body,
    );
  }

  /** A stream that was compressed, or did not say that it is one. */
  #readEvents(body: Uint8Array): void {
    const stream = this.#newStream();
    stream.push(body);
    this.#endStream(stream);
  }

  onFailure(reason: string, timeout: boolean): void {
    this.#hasEnded = true;
    if (this.#over) return this.#ends.ended(this);
    this.#finish(timeout ? { type: 'timed_out' } : { type: 'broken', reason }, EMPTY);
  }

  #finish(answer: UpstreamAnswer, body: Uint8Array): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.onAnswer(this, answer, body);
  }
}

const DECODERS: ReadonlyMap<string, typeof gunzipSync> = new Map([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
]);

/**
 * Answers are asked for uncompressed. From a gateway that compresses all the same they would be retried, and paid, for a
 * day. What cannot be decoded is left as it is, and judged like any other bytes.
 */
function decoded(body: Uint8Array, decode: typeof gunzipSync | undefined): Uint8Array {
  if (decode === undefined) return body;
  try {
    return decode(body, { maxOutputLength: ANSWER_LIMIT_BYTES });
  } catch {
    return body;
  }
}

function decoderFor(headers: AnswerHeaders): typeof gunzipSync | undefined {
  return DECODERS.get(headerValue(headers, 'content-encoding')?.toLowerCase() ?? '');
}

function isEventStream(headers: AnswerHeaders): boolean {
  return headerValue(headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') === true;
}

/** No message, which is JSON, begins as events do. */
function holdsEvents(body: Uint8Array): boolean {
  if (body[0] === BRACE_OPEN) return false;
  const beginning = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 16)).toString('utf8');
  return /^\uFEFF?\s*(?:event|data|id|retry)?:/u.test(beginning);
}

const EMPTY = new Uint8Array(0);
const NO_HEADERS: AnswerHeaders = {};
const BRACE_OPEN = 0x7b;

/** An error's body as JSON where it is JSON, else as text; only failed answers are ever parsed. */
function errorBody(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
