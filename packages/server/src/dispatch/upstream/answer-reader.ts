import { AnswerFault, NOT_HTTP, readHead, VERSION, type AnswerFields } from './answer-head.ts';

/**
 * Reads HTTP/1.1 answers off a connection, piece by piece as they come. As strict as RFC 9112 asks of a client that uses
 * its connection again: where an answer ends must be beyond doubt, or the next one would be taken for another request's.
 *
 *     head ─▶ body of known length ─────────────▶ over
 *       │ ╲─▶ chunk size ⇄ chunk ─▶ trailers ───▶ over
 *       │  ╲▶ body until the connection closes ─▶ over
 *       └── an interim answer: the next head
 *
 * Invariant: after `over` no byte belongs to this answer; whoever reads on finds the connection's fault, not an answer.
 */
export interface AnswerSink {
  /** False when nobody wants to hear more: reading stops at once. */
  onHead(status: number, headers: AnswerFields): boolean;
  /** The bytes are valid during the call only; the last, where they are known to be, until `read` returns. False as above. */
  onBody(bytes: Buffer, isLast: boolean): boolean;
}

/** What a piece came to: `more` is to come, the answer is `over`, or nobody listens any more. */
export type Reading = 'more' | 'over' | 'unwanted';

/** Real heads have a few kilobytes. */
const HEAD_LIMIT_BYTES = 64 * 1024;
/** A chunk's size in hex digits, its extensions and its line end. */
const SIZE_LINE_LIMIT_BYTES = 1024;

type Place = 'head' | 'length' | 'chunk_size' | 'chunk' | 'chunk_end' | 'trailers' | 'until_close' | 'over';

export class AnswerReader {
  #place: Place = 'head';
  /** Of the body or of the chunk; of trailers, how many more are borne with. */
  #missing = 0;
  /** A line or a head whose end has not come. */
  #partial: Buffer | null = null;
  #keepsAlive = false;
  #idleSeconds: number | null = null;

  /** Whether the other side keeps the connection for another call. Known once an answer is over. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** How long it keeps it, where it says so. */
  get idleSeconds(): number | null {
    return this.#idleSeconds;
  }

  /** Gets ready for the next answer. */
  begin(): void {
    this.#place = 'head';
    this.#partial = null;
  }

  read(piece: Buffer, sink: AnswerSink): Reading {
    let at = 0;
    while (this.#place !== 'over') {
      if (at === piece.length) return 'more';
      const next = this.#step(piece, at, sink);
      if (next < 0) return 'unwanted';
      at = next;
    }
    // A byte too many: who sends it sends no answers that can be told apart.
    if (at < piece.length) this.#keepsAlive = false;
    return 'over';
  }

  /** The other side has closed the connection. True when that is how the answer ends. */
  close(): boolean {
    return this.#place === 'until_close';
  }

  /** Answers how far it came, or −1 when the sink wants no more. */
  #step(piece: Buffer, at: number, sink: AnswerSink): number {
    switch (this.#place) {
      case 'head':
        return this.#head(piece, at, sink);
      case 'length':
      case 'chunk':
      case 'until_close':
        return this.#body(piece, at, sink);
      case 'chunk_size':
      case 'chunk_end':
      case 'trailers':
        return this.#line(piece, at);
      case 'over':
        return at;
      default:
        return this.#place satisfies never;
    }
  }

  #head(piece: Buffer, at: number, sink: AnswerSink): number {
    const held = this.#partial;
    const bytes = held === null ? piece : Buffer.concat([held, piece.subarray(at)]);
    const start = held === null ? at : 0;
    const end = bytes.indexOf(HEAD_END, Math.max(start, (held?.length ?? 0) - HEAD_END.length));
    if ((end < 0 ? bytes.length : end) - start > HEAD_LIMIT_BYTES) throw new AnswerFault('the head is too long');
    if (end < 0) {
      // Who speaks another protocol may send no empty line for ever, and would be waited for until the time is over.
      if (!VERSION.startsWith(bytes.toString('latin1', start, start + VERSION.length))) throw new AnswerFault(NOT_HTTP);
      this.#partial = held === null ? Buffer.from(bytes.subarray(start)) : bytes;
      return piece.length;
    }
    this.#partial = null;
    const isWanted = this.#takeHead(bytes.toString('latin1', start, end), sink);
    const after = end + HEAD_END.length;
    return isWanted ? (held === null ? after : at + after - held.length) : -1;
  }

  #takeHead(head: string, sink: AnswerSink): boolean {
    const { status, minor, headers } = readHead(head);
    // Switching protocols was not asked for; every other answer below 200 comes before the one that counts.
    if (status === 101) throw new AnswerFault('the answer switches protocols');
    if (status < 200) return true;
    this.#frame(status, minor, headers);
    return sink.onHead(status, headers);
  }

  /** Where the body ends, by RFC 9112 section 6.3. */
  #frame(status: number, minor: number, headers: AnswerFields): void {
    const coding = headers['transfer-encoding'];
    const length = lengthOf(headers['content-length']);
    this.#keepsAlive = keepsAlive(minor, headers['connection']);
    this.#idleSeconds = idleSecondsOf(headers['keep-alive']);
    if (status === 204 || status === 304) this.#place = 'over';
    else if (coding !== undefined) this.#frameChunks(coding, minor, length);
    else if (length !== null) {
      this.#missing = length;
      this.#place = length === 0 ? 'over' : 'length';
    } else {
      this.#keepsAlive = false;
      this.#place = 'until_close';
    }
  }

  #frameChunks(coding: string | readonly string[], minor: number, length: number | null): void {
    // Two opinions of where a body ends are how answers are smuggled past one of two readers.
    if (length !== null || minor === 0) throw new AnswerFault('the answer’s length is ambiguous');
    const codings = listOf(coding);
    if (codings.length !== 1 || codings[0] !== 'chunked') {
      throw new AnswerFault(`the transfer coding ${JSON.stringify(codings.join(', '))} was not asked for`);
    }
    this.#place = 'chunk_size';
  }

  #body(piece: Buffer, at: number, sink: AnswerSink): number {
    const end = this.#place === 'until_close' ? piece.length : Math.min(piece.length, at + this.#missing);
    const bytes = at === 0 && end === piece.length ? piece : piece.subarray(at, end);
    if (this.#place !== 'until_close') {
      this.#missing -= end - at;
      if (this.#missing === 0) this.#place = this.#place === 'length' ? 'over' : 'chunk_end';
    }
    return sink.onBody(bytes, this.#place === 'over') ? end : -1;
  }

  /** The lines between chunks: sizes, line ends, trailers. */
  #line(piece: Buffer, at: number): number {
    const end = piece.indexOf(LINE_FEED, at);
    const upTo = end < 0 ? piece.length : end + 1;
    const part = piece.subarray(at, upTo);
    const line = this.#partial === null ? part : Buffer.concat([this.#partial, part]);
    if (this.#place === 'trailers') this.#missing -= part.length;
    const isTooLong = this.#place === 'trailers' ? this.#missing < 0 : line.length > SIZE_LINE_LIMIT_BYTES;
    if (isTooLong) throw new AnswerFault('what stands between chunks is too long');
    if (end < 0) {
      this.#partial = Buffer.from(line);
      return upTo;
    }
    this.#partial = null;
    if (line[line.length - 2] !== CARRIAGE_RETURN) throw new AnswerFault('a line between chunks has no proper end');
    this.#takeLine(line.toString('latin1', 0, line.length - 2));
    return upTo;
  }

  #takeLine(line: string): void {
    if (this.#place === 'chunk_size') {
      const bytes = chunkSize(line);
      this.#place = bytes === 0 ? 'trailers' : 'chunk';
      this.#missing = bytes === 0 ? HEAD_LIMIT_BYTES : bytes;
    } else if (this.#place === 'trailers') {
      // What trailers say nobody asks for.
      if (line === '') this.#place = 'over';
    } else {
      if (line !== '') throw new AnswerFault('a chunk is longer than it says');
      this.#place = 'chunk_size';
    }
  }
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([\da-fA-F]{1,12})[\t ]*(?:;.*)?$/;

/** The items of a comma-separated field, in lower case. */
function listOf(field: string | readonly string[]): readonly string[] {
  const text = typeof field === 'string' ? field : field.join(',');
  return text
    .toLowerCase()
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function keepsAlive(minor: number, field: string | readonly string[] | undefined): boolean {
  if (field === undefined) return minor === 1;
  const connection = listOf(field);
  return !connection.includes('close') && (minor === 1 || connection.includes('keep-alive'));
}

/** Null when it is not stated. Said twice alike is said once. */
function lengthOf(field: string | readonly string[] | undefined): number | null {
  if (field === undefined) return null;
  if (typeof field === 'string' && LENGTH.test(field)) return Number(field);
  const [first = '', ...others] = listOf(field);
  if (!LENGTH.test(first) || others.some((other) => other !== first)) {
    throw new AnswerFault('the answer’s length is ambiguous');
  }
  return Number(first);
}

function idleSecondsOf(field: string | readonly string[] | undefined): number | null {
  if (field === undefined) return null;
  const found = /(?:^|[,;\s])timeout\s*=\s*(\d{1,9})/i.exec(typeof field === 'string' ? field : field.join(','));
  return found === null ? null : Number(found[1]);
}

function chunkSize(line: string): number {
  const found = CHUNK_SIZE.exec(line);
  if (found === null) throw new AnswerFault('a chunk does not say how long it is');
  return Number.parseInt(found[1] as string, 16);
}
