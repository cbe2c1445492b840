import { Members, skipSpace } from '@batchwright/scan';

/** A value inside a block, as people would name it, and how far into it something lies. */
export interface JsonPlace {
  /** `.text`, `.input_schema.properties.city`, `[0].source.data`; empty for the block itself. */
  readonly path: string;
  /** In bytes; of a text from its first character on, the quote left out. */
  readonly offset: number;
}

const QUOTE = 0x22;
const BRACKET_OPEN = 0x5b;
const BRACE_OPEN = 0x7b;
/** Deeper than people read. */
const DEEPEST = 32;

/** Where a byte of a sound JSON value lies: in the innermost member or item that holds it. */
export function placeOf(json: Uint8Array, at: number): JsonPlace {
  let path = '';
  let start = skipSpace(json, 0);
  for (let depth = 0; depth < DEEPEST; depth++) {
    const inner = memberAround(json, start, at);
    if (inner === null) break;
    path += inner.name;
    start = inner.start;
  }
  const first = json[start] === QUOTE ? start + 1 : start;
  return { path, offset: Math.max(0, at - first) };
}

function memberAround(json: Uint8Array, open: number, at: number): { name: string; start: number } | null {
  const isObject = json[open] === BRACE_OPEN;
  if (!isObject && json[open] !== BRACKET_OPEN) return null;
  const members = new Members(json, open);
  for (let item = 0; members.next(); item++) {
    if (members.valueStart > at) return null;
    const end = members.skip();
    if (at < end) return { name: isObject ? `.${members.key()}` : `[${item}]`, start: members.valueStart };
  }
  return null;
}
