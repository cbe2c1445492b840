import { bytesOf, isUtf8, textOf } from './runtime.ts';
import { instantiateScanner, type ScannerInstance } from './scanner-module.ts';

/** Part of a document: bytes `start` to `end`, the latter not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ValueKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** A value inside a document, and what sort of value its first byte says it is. */
export interface ValueSpan extends Span {
  readonly kind: ValueKind;
}

/** One entry takes four numbers: key start and end (quotes left out), value start and end. */
const ENTRY_FIELDS = 4;
const BACKSLASH = 0x5c;
/** `\\u0041` spells one byte. */
const LONGEST_ESCAPE_BYTES = 6;

/** The keys of one JSON object and where their values lie, in bytes from the start of the document. */
export class Outline implements Span {
  /** The object itself, without whitespace around it. */
  readonly start: number;
  readonly end: number;
  /** Whether a newline or carriage return lies between tokens of the object, so that it would not do as one line. */
  readonly hasNewlines: boolean;
  readonly #document: Uint8Array;
  readonly #base: number;
  readonly #entries: Uint32Array;

  /** `entries` as the scanner lays them out; they and `span` count from `base`. */
  constructor(document: Uint8Array, base: number, entries: Uint32Array, span: Span, hasNewlines: boolean) {
    this.start = base + span.start;
    this.end = base + span.end;
    this.hasNewlines = hasNewlines;
    this.#document = document;
    this.#base = base;
    this.#entries = entries;
  }

  /** Every key in the order given, as spelled; a key given twice is there twice. */
  keys(): readonly string[] {
    const keys: string[] = [];
    for (let entry = 0; entry < this.#entries.length; entry += ENTRY_FIELDS) keys.push(this.#key(entry));
    return keys;
  }

  /** The value of a key. Of a key given twice the last counts, as in `JSON.parse`. */
  find(key: string): ValueSpan | null {
    const name = bytesOf(key);
    for (let entry = this.#entries.length - ENTRY_FIELDS; entry >= 0; entry -= ENTRY_FIELDS) {
      if (this.#keyIs(entry, key, name)) return this.#value(entry);
    }
    return null;
  }

  /** Escapes take more bytes than what they spell, at most six times as many; so most keys differ by length alone. */
  #keyIs(entry: number, key: string, name: Uint8Array): boolean {
    const bytes = this.#offset(entry + 1) - this.#offset(entry);
    if (bytes < name.length || bytes > name.length * LONGEST_ESCAPE_BYTES) return false;
    if (bytes > name.length) return this.#isEscaped(entry) && this.#key(entry) === key;
    const start = this.#offset(entry);
    for (let i = 0; i < bytes; i++) if (this.#document[start + i] !== name[i]) return false;
    return !this.#isEscaped(entry);
  }

  #isEscaped(entry: number): boolean {
    const end = this.#offset(entry + 1);
    for (let at = this.#offset(entry); at < end; at++) if (this.#document[at] === BACKSLASH) return true;
    return false;
  }

  #key(entry: number): string {
    const raw = text(this.#document, { start: this.#offset(entry), end: this.#offset(entry + 1) });
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  #value(entry: number): ValueSpan {
    const start = this.#offset(entry + 2);
    return { start, end: this.#offset(entry + 3), kind: kindOf(this.#document[start]) };
  }

  #offset(field: number): number {
    return this.#base + (this.#entries[field] ?? 0);
  }
}

/**
 * Outlines one complete JSON object: the whole document, or the part of it that `within` names. Null when those bytes
 * are anything else: not JSON, not UTF-8, another kind of value, or nested beyond `NESTING_LIMIT`. The document must not
 * change while the outline is in use.
 */
export function outline(document: Uint8Array, within?: Span): Outline | null {
  const bytes = within === undefined ? document : document.subarray(within.start, within.end);
  const scanner = (outliner ??= instantiateScanner((exports) => exports.OUTLINE_MEMORY_BYTES.value));
  const { exports } = scanner;
  exports.beginOutline();
  const entries = readEntries(scanner, bytes);
  if (entries === null || !exports.isDocumentComplete() || !exports.isObject() || !isUtf8(bytes)) return null;
  // WebAssembly's 32-bit numbers arrive signed.
  const span = { start: exports.objectBegin() >>> 0, end: exports.objectEnd() >>> 0 };
  return new Outline(document, within?.start ?? 0, entries, span, exports.hasNewlines() === 1);
}

/**
 * The value at the end of a path of keys, such as `['usage', 'service_tier']`; null when it is not there, or when the
 * document is not exactly one JSON object.
 */
export function findPath(document: Uint8Array, path: readonly string[]): ValueSpan | null {
  let value: ValueSpan | undefined;
  for (const key of path) {
    if (value !== undefined && value.kind !== 'object') return null;
    const found = outline(document, value)?.find(key) ?? null;
    if (found === null) return null;
    value = found;
  }
  return value ?? null;
}

/** The text of a span, as it stands in the document. */
export function text(document: Uint8Array, span: Span): string {
  return textOf(document.subarray(span.start, span.end));
}

/** What the value in a span is. For small values: it is parsed whole. */
export function parseSpan(document: Uint8Array, span: Span): unknown {
  return JSON.parse(text(document, span)) as unknown;
}

/** One for the whole process: an outline is made in one go, so two are never under way at once. */
let outliner: ScannerInstance | null = null;

/** Feeds the bytes through the scanner's window; the entries of all keys, or null at the first fault. */
function readEntries({ exports, memory }: ScannerInstance, bytes: Uint8Array): Uint32Array | null {
  const window = exports.OUTLINE_WINDOW.value;
  const windowBytes = exports.OUTLINE_WINDOW_BYTES.value;
  const pieces: Uint32Array[] = [];
  for (let start = 0; start < bytes.length; start += windowBytes) {
    const piece = bytes.length <= windowBytes ? bytes : bytes.subarray(start, start + windowBytes);
    memory.set(piece, window);
    if (exports.feed(window, piece.length) !== 0) return null;
    const fields = exports.takeEntries() * ENTRY_FIELDS;
    pieces.push(new Uint32Array(memory.buffer, exports.OUTLINE_ENTRIES.value, fields).slice());
  }
  return pieces.length === 1 ? (pieces[0] ?? null) : join(pieces);
}

function join(pieces: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let length = 0;
  for (const piece of pieces) {
    all.set(piece, length);
    length += piece.length;
  }
  return all;
}

function kindOf(first: number | undefined): ValueKind {
  switch (first) {
    case 0x7b:
      return 'object';
    case 0x5b:
      return 'array';
    case 0x22:
      return 'string';
    case 0x74:
    case 0x66:
      return 'boolean';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}
