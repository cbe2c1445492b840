import type { Span } from './outline.ts';
import { bytesOf, textOf } from './runtime.ts';

/**
 * Walks JSON that is known to be sound, such as params that intake has checked, and builds nothing but offsets. On bytes
 * that are not sound the answers mean nothing, but every walk ends.
 */

/** A name to look for among keys, encoded once. */
export interface KeyName {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** A key as `Members.keyIs` takes it. */
export function keyName(text: string): KeyName {
  return { text, bytes: bytesOf(text) };
}

/**
 * A cursor over the members of an object or the items of an array. After `next` the value's start is known; its end is
 * told by `skip`, or by whoever walked into the value and calls `leave`. One of the two must come before the next `next`.
 */
export class Members {
  /** The key's first byte and the one after its last, quotes left out; in an array, meaningless. */
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd: number;
  readonly #bytes: Uint8Array;
  readonly #isObject: boolean;
  #end = 0;

  /** `open` is where the container's bracket lies. */
  constructor(bytes: Uint8Array, open: number) {
    this.#bytes = bytes;
    this.#isObject = bytes[open] === BRACE_OPEN;
    this.valueEnd = open + 1;
  }

  /** The offset after the closing bracket, once `next` has answered false. */
  get end(): number {
    return this.#end;
  }

  next(): boolean {
    const bytes = this.#bytes;
    let at = skipSpace(bytes, this.valueEnd);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    const first = bytes[at];
    if (first === undefined || (first | BRACE_BIT) === BRACE_CLOSE) {
      this.#end = Math.min(at + 1, bytes.length);
      return false;
    }
    if (this.#isObject) {
      this.keyStart = at + 1;
      at = endOfString(bytes, at);
      this.keyEnd = at - 1;
      at = skipSpace(bytes, skipSpace(bytes, at) + 1);
    }
    this.valueStart = at;
    return true;
  }

  /** Passes over the value; answers its end. */
  skip(): number {
    this.valueEnd = endOfValue(this.#bytes, this.valueStart);
    return this.valueEnd;
  }

  leave(valueEnd: number): void {
    this.valueEnd = valueEnd;
  }

  /** Whether the key spells this name, with escapes or without. */
  keyIs(name: KeyName): boolean {
    const bytes = this.#bytes;
    const length = this.keyEnd - this.keyStart;
    const wanted = name.bytes;
    if (length !== wanted.length) return length > wanted.length && this.#isEscaped() && this.key() === name.text;
    for (let i = 0; i < length; i++) if (bytes[this.keyStart + i] !== wanted[i]) return false;
    return true;
  }

  /** What the key spells. */
  key(): string {
    const raw = textOf(this.#bytes, this.keyStart, this.keyEnd);
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  #isEscaped(): boolean {
    for (let at = this.keyStart; at < this.keyEnd; at++) if (this.#bytes[at] === BACKSLASH) return true;
    return false;
  }
}

/** Where a member's value lies, of the object that begins at `open`; of a key given twice the last counts. */
export function findMember(bytes: Uint8Array, open: number, name: KeyName): Span | null {
  if (bytes[open] !== BRACE_OPEN) return null;
  const members = new Members(bytes, open);
  let found: Span | null = null;
  while (members.next()) {
    const isWanted = members.keyIs(name);
    members.skip();
    if (isWanted) found = { start: members.valueStart, end: members.valueEnd };
  }
  return found;
}

/** The first offset from `at` on that holds no whitespace. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let next = at;
  for (;;) {
    const c = bytes[next];
    if (c !== SPACE && c !== LINE_FEED && c !== CARRIAGE_RETURN && c !== TAB) return next;
    next++;
  }
}

/** The offset after the value that begins at `at`. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return endOfString(bytes, at);
  if (first === BRACE_OPEN || first === BRACKET_OPEN) return endOfContainer(bytes, at);
  return endOfWord(bytes, at);
}

/** The offset after the string whose opening quote lies at `open`. */
export function endOfString(bytes: Uint8Array, open: number): number {
  // Searching for the quote and looking back for backslashes costs a twentieth of looking at every byte.
  for (let at = open + 1; ; at++) {
    at = bytes.indexOf(QUOTE, at);
    if (at < 0) return bytes.length;
    let before = at - 1;
    while (bytes[before] === BACKSLASH) before--;
    if ((at - before) % 2 === 1) return at + 1;
  }
}

/** Brackets are paired in sound JSON, so their kinds need not be told apart, and depth is a number and no stack. */
function endOfContainer(bytes: Uint8Array, open: number): number {
  let depth = 0;
  let at = open;
  while (at < bytes.length) {
    const c = bytes[at] as number;
    if (c === QUOTE) {
      at = endOfString(bytes, at);
      continue;
    }
    at++;
    const folded = c | BRACE_BIT;
    if (folded === BRACE_OPEN) depth++;
    else if (folded === BRACE_CLOSE && --depth === 0) break;
  }
  return at;
}

/** A number or a literal goes on to the next separator. */
function endOfWord(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const c = bytes[at] as number;
    if (c === COMMA || c <= SPACE || (c | BRACE_BIT) === BRACE_CLOSE) break;
  }
  return at;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
/** Sets square brackets and braces apart: `[` and `{`, `]` and `}` differ in it alone. */
const BRACE_BIT = 0x20;
