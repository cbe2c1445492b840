import { BadRequestsError } from '@batchwright/client';
import { LIMITS } from '@batchwright/protocol';
import { megabytes } from '../wording.ts';
import { type InputItem, MOST_ITEM_BYTES } from './lines.ts';

/**
 * The items of one JSON document that is a list, or the create body of a batch, `{"requests":[…]}`; an item at a time,
 * however long the document. Only brackets and quotes are followed here: whether an item is sound JSON is seen by whoever
 * reads it. Line breaks between tokens become spaces, so that every item is one line; nothing else changes.
 */
export async function* jsonItems(pieces: AsyncIterable<Buffer>, name: string): AsyncGenerator<InputItem> {
  const cutter = new ItemCutter(name);
  for await (const piece of pieces) yield* cutter.cut(piece);
  cutter.finish();
}

/** What may stand before the list, and after it. */
const OPENING = /^\s*(?:\{\s*"requests"\s*:\s*)?\[$/;
const CLOSINGS = { list: /^\s*$/, body: /^\s*\}\s*$/ } as const;
/** Of what stands around the list; white space included. */
const MOST_FRAME_BYTES = 64 * 1024;

class ItemCutter {
  readonly #name: string;
  #state: 'before' | 'within' | 'after' = 'before';
  #frame = '';
  #closing: RegExp = CLOSINGS.list;
  #number = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** The item's bytes in earlier pieces. */
  #started: Buffer[] = [];
  #startedBytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  *cut(piece: Buffer): Generator<InputItem> {
    let at = this.#state === 'before' ? this.#open(piece) : 0;
    if (this.#state === 'within') at = yield* this.#items(piece, at);
    if (this.#state === 'after') this.#addToFrame(piece.subarray(at));
  }

  finish(): void {
    if (this.#state === 'before') throw this.#notAList();
    if (this.#state === 'within') {
      throw new BadRequestsError(
        `${this.#name} ends in the middle of ${this.#isBlank() ? 'its list' : `item ${this.#number + 1}`}. It seems to be cut short: make it anew.`,
      );
    }
    if (!this.#closing.test(this.#frame)) {
      throw new BadRequestsError(
        `${this.#name} goes on after its list. It must be a list, or {"requests":[…]} and nothing else.`,
      );
    }
  }

  /** Passes over what stands before the first item; answers where that begins. */
  #open(piece: Buffer): number {
    const bracket = piece.indexOf(BRACKET_OPEN);
    const end = bracket < 0 ? piece.length : bracket + 1;
    this.#addToFrame(piece.subarray(0, end));
    if (bracket < 0) return end;
    if (!OPENING.test(this.#frame)) throw this.#notAList();
    this.#closing = this.#frame.includes('{') ? CLOSINGS.body : CLOSINGS.list;
    this.#frame = '';
    this.#state = 'within';
    return end;
  }

  *#items(piece: Buffer, from: number): Generator<InputItem, number> {
    let start = from;
    for (let at = from; at < piece.length; at++) {
      const byte = piece[at] as number;
      if (this.#isString) this.#followString(byte);
      else if (byte === QUOTE) this.#isString = true;
      else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) this.#depth++;
      else if (this.#depth > 0) this.#depth -= byte === BRACE_CLOSE || byte === BRACKET_CLOSE ? 1 : 0;
      else if (byte === COMMA || byte === BRACKET_CLOSE) {
        this.#add(piece.subarray(start, at));
        start = at + 1;
        const isLast = byte === BRACKET_CLOSE;
        if (!isLast || this.#number > 0 || !this.#isBlank()) yield this.#item();
        if (!isLast) continue;
        this.#state = 'after';
        return start;
      }
    }
    this.#add(piece.subarray(start));
    return piece.length;
  }

  #followString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isString = false;
  }

  #add(bytes: Buffer): void {
    this.#started.push(bytes);
    this.#startedBytes += bytes.length;
    if (this.#startedBytes <= MOST_ITEM_BYTES) return;
    throw new BadRequestsError(
      `${this.#name} item ${this.#number + 1} is larger than ${megabytes(LIMITS.messageBodyBytes)}, the most one request may hold.`,
    );
  }

  #item(): InputItem {
    const bytes = onOneLine(Buffer.concat(this.#started));
    this.#started = [];
    this.#startedBytes = 0;
    this.#number++;
    return { bytes, origin: `${this.#name} item ${this.#number}` };
  }

  #isBlank(): boolean {
    return this.#started.every((bytes) => bytes.toString('latin1').trim() === '');
  }

  #addToFrame(bytes: Buffer): void {
    this.#frame += bytes.toString('latin1');
    if (this.#frame.length > MOST_FRAME_BYTES) throw this.#notAList();
  }

  #notAList(): BadRequestsError {
    return new BadRequestsError(
      `${this.#name} must be a JSON list, or {"requests":[…]}. For one object a line, add --input-format jsonl.`,
    );
  }
}

/** Line breaks outside of strings as spaces, in place: the bytes are a copy. Inside of one they are a fault to be seen. */
function onOneLine(bytes: Buffer): Buffer {
  let isString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === BACKSLASH && isString) at++;
    else if (byte === QUOTE) isString = !isString;
    else if (!isString && (byte === LINE_FEED || byte === CARRIAGE_RETURN)) bytes[at] = SPACE;
  }
  return bytes;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
