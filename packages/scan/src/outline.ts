import { isUtf8, textOf } from './runtime.ts';
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
const LAST_ASCII = 0x7f;
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
  readonly #entries: readonly number[];

  /** `entries` as the scanner lays them out; they and `span` count from `base`. */
  constructor(document: Uint8Array, base: number, entries: readonly number[], span: Span, hasNewlines: boolean) {
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
    for (let entry = this.#entries.length - ENTRY_FIELDS; entry >= 0; entry -= ENTRY_FIELDS) {
      if (this.#keyIs(entry, key)) return this.#value(entry);
    }
    return null;
  }

  /**
   * Compares bytes with the key's characters, since to encode a key costs more than all the rest. No key takes fewer bytes
   * than it has characters; and who takes more spells some by an escape, or some are not ASCII: those few are decoded.
   */
  #keyIs(entry: number, key: string): boolean {
    const start = this.#offset(entry);
    const end = this.#offset(entry + 1);
    const bytes = end - start;
    if (bytes < key.length || bytes > key.length * LONGEST_ESCAPE_BYTES) return false;
    if (bytes > key.length) return !this.#isPlain(start, end) && this.#key(entry) === key;
    for (let i = 0; i < bytes; i++) {
      const byte = this.#document[start + i] as number;
      if (byte !== key.charCodeAt(i) || byte === BACKSLASH) return false;
    }
    return true;
  }

  /** Whether every byte is a character of its own. */
  #isPlain(start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      const byte = this.#document[at] as number;
      if (byte === BACKSLASH || byte > LAST_ASCII) return false;
    }
    return true;
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
  outliner ??= makeOutliner();
  const { exports } = outliner;
  exports.beginOutline();
  const entries = readEntries(outliner, bytes);
  if (entries === null || !exports.isDocumentComplete() || !exports.isObject() || !isUtf8(bytes)) return null;
  // WebAssembly's 32-bit numbers arrive signed.
  const span = { start: exports.objectBegin() >>> 0, end: exports.objectEnd() >>> 0 };
  return new Outline(document, within?.start ?? 0, entries, span, exports.hasNewlines() === 1);
}

/** The text of a span, as it stands in the document. */
export function text(document: Uint8Array, span: Span): string {
  return textOf(document, span.start, span.end);
}

/** What the value in a span is. For small values: it is parsed whole. */
export function parseSpan(document: Uint8Array, span: Span): unknown {
  return JSON.parse(text(document, span)) as unknown;
}

/** What outlines are made with, and where its memory has what. */
interface Outliner extends ScannerInstance {
  readonly window: number;
  readonly windowBytes: number;
  /** The table that `takeEntries` fills. */
  readonly table: Uint32Array;
}

/** One for the whole process: an outline is made in one go, so two are never under way at once. */
let outliner: Outliner | null = null;

function makeOutliner(): Outliner {
  const scanner = instantiateScanner((exports) => exports.OUTLINE_MEMORY_BYTES.value);
  const { exports, memory } = scanner;
  return {
    ...scanner,
    window: exports.OUTLINE_WINDOW.value,
    windowBytes: exports.OUTLINE_WINDOW_BYTES.value,
    table: new Uint32Array(memory.buffer, exports.OUTLINE_ENTRIES.value),
  };
}

/** Feeds the bytes through the scanner's window; the entries of all keys, or null at the first fault. */
function readEntries({ exports, memory, window, windowBytes, table }: Outliner, bytes: Uint8Array): number[] | null {
  // An array of numbers, since most objects have ten keys and a typed array costs more to make than to fill.
  const entries: number[] = [];
  for (let start = 0; start < bytes.length; start += windowBytes) {
    const piece = bytes.length <= windowBytes ? bytes : bytes.subarray(start, start + windowBytes);
    memory.set(piece, window);
    if (exports.feed(window, piece.length) !== 0) return null;
    const fields = exports.takeEntries() * ENTRY_FIELDS;
    for (let field = 0; field < fields; field++) entries.push(table[field] as number);
  }
  return entries;
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
