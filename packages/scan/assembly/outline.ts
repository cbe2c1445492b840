import { BRACE_OPEN } from './characters';
import { OUTLINE_ENTRIES } from './layout';

/**
 * The outline of one object: where it lies, and for each of its own keys where key and value lie. Entries are four
 * 32-bit offsets into the document: key begin and end (quotes left out), value begin and end.
 */

const ENTRY_BYTES: usize = 16;

let documentByte: u32 = 0;
let documentBegin: u32 = 0;
let documentEnd: u32 = 0;
let keyBegin: u32 = 0;
let keyEnd: u32 = 0;
let valueBegin: u32 = 0;
let entries: u32 = 0;

export function beginOutline(): void {
  documentByte = 0;
  entries = 0;
}

export function isObject(): bool {
  return documentByte == BRACE_OPEN;
}

export function objectBegin(): u32 {
  return documentBegin;
}

export function objectEnd(): u32 {
  return documentEnd;
}

/** Entries completed since the last call; the host has copied them away when it feeds again. */
export function takeEntries(): u32 {
  const taken = entries;
  entries = 0;
  return taken;
}

export function keyBegins(depth: i32, offset: f64): void {
  if (depth == 1) keyBegin = <u32>offset + 1;
}

export function keyEnds(depth: i32, offset: f64): void {
  if (depth == 1) keyEnd = <u32>offset - 1;
}

export function valueBegins(depth: i32, offset: f64, c: u32): void {
  if (depth == 1) valueBegin = <u32>offset;
  else {
    documentByte = c;
    documentBegin = <u32>offset;
  }
}

export function valueEnds(depth: i32, offset: f64): void {
  if (depth == 0) documentEnd = <u32>offset;
  else if (isObject()) addEntry(<u32>offset);
}

function addEntry(valueEnd: u32): void {
  const entry = OUTLINE_ENTRIES + <usize>entries * ENTRY_BYTES;
  store<u32>(entry, keyBegin);
  store<u32>(entry, keyEnd, 4);
  store<u32>(entry, valueBegin, 8);
  store<u32>(entry, valueEnd, 12);
  entries++;
}
