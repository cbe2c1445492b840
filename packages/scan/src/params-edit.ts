import { assert, type PlacedMarker } from '@batchwright/core';
import { endOfValue, keyName, Members, skipSpace } from './json-walk.ts';
import { bytesOf, searchable } from './runtime.ts';

/**
 * Edits params as raw bytes. Invariant: what no edit names is copied byte for byte, so that number spellings, escapes,
 * key order, whitespace and duplicate keys reach the upstream as the client wrote them.
 *
 * One walk notes where the blocks of the prompt lie and what is to be cut; blocks that get a marker are looked into
 * once more. The params must be what intake has checked: one JSON object.
 */

export interface ParamsEdits {
  /** Has the answer streamed, whatever the params say. */
  readonly stream?: boolean;
  /** Takes the client's own markers out, before others are set. */
  readonly dropMarkers?: boolean;
  /** Markers to set, at most one a block. A position that the prompt lacks is passed over: a call without a marker costs
   * tokens, one that fails costs the answer. */
  readonly markers?: readonly PlacedMarker[];
}

/** The params with all edits made; the very same bytes when there is nothing to edit. */
export function editParams(params: Uint8Array, edits: ParamsEdits): Uint8Array {
  const bytes = searchable(params);
  const isDropping = edits.dropMarkers === true && mayHoldMarkers(bytes);
  const markers = edits.markers ?? [];
  if (!isDropping && markers.length === 0 && edits.stream !== true) return params;
  const walk = new ParamsWalk(bytes, isDropping, markers.length > 0);
  walk.run();
  for (const marker of markers) walk.mark(marker);
  if (edits.stream === true) walk.askForStream();
  return spliced(bytes, walk.splices) ?? params;
}

/** Bytes `start` to `end` give way to `text`. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const ASK_FOR_STREAM = bytesOf('"stream":true');
const ASK_FOR_STREAM_TOO = bytesOf(',"stream":true');
const TRUE = bytesOf('true');
const TEXT_BLOCK_OPEN = bytesOf('[{"type":"text","text":');

/** A marker as a value, as an object's only member, as a further one, and as what ends a string made into a block. */
interface MarkerText {
  readonly value: Uint8Array;
  readonly only: Uint8Array;
  readonly further: Uint8Array;
  readonly blockEnd: Uint8Array;
}
const MARKER_TEXTS: Readonly<Record<PlacedMarker['ttl'], MarkerText>> = {
  // Five minutes are the default, which upstreams that know no `ttl` understand too.
  '5m': markerText('{"type":"ephemeral"}'),
  '1h': markerText('{"type":"ephemeral","ttl":"1h"}'),
};

function markerText(value: string): MarkerText {
  const member = `"cache_control":${value}`;
  return {
    value: bytesOf(value),
    only: bytesOf(member),
    further: bytesOf(`,${member}`),
    blockEnd: bytesOf(`,${member}}]`),
  };
}

const CACHE_CONTROL = keyName('cache_control');
const CONTENT = keyName('content');
const MESSAGES = keyName('messages');
const SOURCE = keyName('source');
const STREAM = keyName('stream');
const SYSTEM = keyName('system');
const TOOLS = keyName('tools');

/** Begins with a byte that is rare in prose, which makes the search several times faster than for the whole name. */
const MARK = bytesOf('_control');
const ESCAPE = bytesOf('\\u');

function mayHoldMarkers(bytes: Uint8Array): boolean {
  return holds(bytes, MARK) || holds(bytes, ESCAPE);
}

function holds(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

/** A result in a message may hold a document, and that holds blocks; the API knows nothing deeper. */
const NESTING_OF_BLOCKS = 8;

/** Objects of params that are walked into, by what their keys mean. */
type Place = 'params' | 'message' | 'tool' | 'block' | 'source';

class ParamsWalk {
  readonly splices: Splice[] = [];
  readonly #bytes: Uint8Array;
  readonly #isDropping: boolean;
  readonly #isNoting: boolean;
  /**
   * Where blocks begin, by section, since the keys of params come in any order and a prompt is rendered in one. A text
   * that stands for a list of one block is noted as the complement of its offset.
   */
  readonly #tools: number[] = [];
  readonly #system: number[] = [];
  readonly #messages: number[] = [];
  /** How many blocks the messages before the one at hand have. */
  #messageFirst = 0;
  /** Where the value of `stream` lies; of a key given twice the last counts, as in `JSON.parse`. */
  #streamStart = -1;
  #streamEnd = -1;
  /** Where the params' closing brace lies, and how many members are left before it. */
  #closing = 0;
  #kept = 0;

  constructor(bytes: Uint8Array, isDropping: boolean, isNoting: boolean) {
    this.#bytes = bytes;
    this.#isDropping = isDropping;
    this.#isNoting = isNoting;
  }

  run(): void {
    const open = skipSpace(this.#bytes, 0);
    assert(this.#bytes[open] === BRACE_OPEN, () => 'params that are no JSON object were let in');
    this.#closing = this.#object(open, 'params', 0) - 1;
  }

  mark({ block, ttl }: PlacedMarker): void {
    const start = this.#blockStart(block);
    if (start === undefined) return;
    const text = MARKER_TEXTS[ttl];
    if (start < 0) this.#markText(~start, text);
    else if (this.#bytes[start] === BRACE_OPEN) this.#markObject(start, text);
  }

  askForStream(): void {
    if (this.#streamStart >= 0) this.#splice(this.#streamStart, this.#streamEnd, TRUE);
    else this.#splice(this.#closing, this.#closing, this.#kept === 0 ? ASK_FOR_STREAM : ASK_FOR_STREAM_TOO);
  }

  #splice(start: number, end: number, text: Uint8Array): void {
    this.splices.push({ start, end, text });
  }

  #blockStart(block: number): number | undefined {
    let left = block;
    for (const section of [this.#tools, this.#system, this.#messages]) {
      if (left < section.length) return section[left];
      left -= section.length;
    }
    return undefined;
  }

  #markText(start: number, text: MarkerText): void {
    const end = endOfValue(this.#bytes, start);
    this.#splice(start, start, TEXT_BLOCK_OPEN);
    this.#splice(end, end, text.blockEnd);
  }

  #markObject(start: number, text: MarkerText): void {
    const members = new Members(this.#bytes, start);
    let [own, ownEnd, kept] = [-1, -1, 0];
    while (members.next()) {
      const isMarker = members.keyIs(CACHE_CONTROL);
      members.skip();
      if (isMarker && this.#isDropping) continue;
      kept++;
      if (isMarker) [own, ownEnd] = [members.valueStart, members.valueEnd];
    }
    const closing = members.end - 1;
    if (own >= 0) this.#splice(own, ownEnd, text.value);
    else this.#splice(closing, closing, kept === 0 ? text.only : text.further);
  }

  /** Walks an object; answers its end. A member cut out takes one comma with it, the one before it where it has one. */
  #object(open: number, place: Place, depth: number): number {
    const members = new Members(this.#bytes, open);
    const drops = this.#isDropping && place !== 'message' && place !== 'source';
    let cutFrom = -1;
    let kept = 0;
    while (members.next()) {
      if (cutFrom >= 0) this.#splice(cutFrom, members.keyStart - 1, NOTHING);
      cutFrom = -1;
      if (!drops || !members.keyIs(CACHE_CONTROL)) {
        this.#member(members, place, depth);
        kept++;
      } else if (kept === 0) {
        cutFrom = members.keyStart - 1;
        members.skip();
      } else {
        const before = members.valueEnd;
        this.#splice(before, members.skip(), NOTHING);
      }
    }
    if (cutFrom >= 0) this.#splice(cutFrom, members.valueEnd, NOTHING);
    if (place === 'params') this.#kept = kept;
    return members.end;
  }

  #member(members: Members, place: Place, depth: number): void {
    switch (place) {
      case 'params':
        return this.#memberOfParams(members);
      case 'message':
        if (!members.keyIs(CONTENT)) return void members.skip();
        this.#messages.length = this.#messageFirst;
        return this.#content(members, this.#messages, depth);
      case 'block':
        if (members.keyIs(CONTENT)) return this.#content(members, null, depth + 1);
        if (members.keyIs(SOURCE)) return this.#intoObject(members, 'source', depth);
        return void members.skip();
      case 'source':
        return members.keyIs(CONTENT) ? this.#content(members, null, depth + 1) : void members.skip();
      case 'tool':
        return void members.skip();
      default:
        return place satisfies never;
    }
  }

  #memberOfParams(members: Members): void {
    if (members.keyIs(STREAM)) {
      this.#streamEnd = members.skip();
      this.#streamStart = members.valueStart;
    } else if (!this.#isDropping && !this.#isNoting) members.skip();
    else if (members.keyIs(MESSAGES)) this.#allMessages(members);
    else if (members.keyIs(SYSTEM)) {
      this.#system.length = 0;
      this.#content(members, this.#system, 0);
    } else if (members.keyIs(TOOLS)) {
      this.#tools.length = 0;
      this.#list(members, 'tool', this.#tools, 0);
    } else members.skip();
  }

  #allMessages(messages: Members): void {
    this.#messages.length = 0;
    this.#list(messages, 'message', null, 0);
  }

  /** A text, which is one block, or a list of blocks. Those nested in blocks are walked, but are no blocks of the prompt. */
  #content(members: Members, noted: number[] | null, depth: number): void {
    if (this.#bytes[members.valueStart] === QUOTE) noted?.push(~members.valueStart);
    this.#list(members, 'block', noted, depth);
  }

  #list(members: Members, place: Place, noted: number[] | null, depth: number): void {
    if (this.#bytes[members.valueStart] !== BRACKET_OPEN || depth > NESTING_OF_BLOCKS) return void members.skip();
    const items = new Members(this.#bytes, members.valueStart);
    while (items.next()) {
      noted?.push(items.valueStart);
      if (place === 'message') this.#messageFirst = this.#messages.length;
      if (place === 'message' || this.#isDropping) this.#intoObject(items, place, depth);
      else items.skip();
    }
    members.leave(items.end);
  }

  #intoObject(members: Members, place: Place, depth: number): void {
    if (this.#bytes[members.valueStart] !== BRACE_OPEN) return void members.skip();
    members.leave(this.#object(members.valueStart, place, depth));
  }
}

/** The bytes with every splice made, in one new array; null when there is none. */
function spliced(bytes: Uint8Array, splices: Splice[]): Uint8Array | null {
  if (splices.length === 0) return null;
  // Markers come in the order of the prompt, which need not be that of the keys.
  splices.sort((a, b) => a.start - b.start || a.end - b.end);
  let length = bytes.length;
  for (const { start, end, text } of splices) length += text.length - (end - start);
  const result = new Uint8Array(length);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of splices) {
    result.set(bytes.subarray(from, start), to);
    to += start - from;
    result.set(text, to);
    to += text.length;
    from = end;
  }
  result.set(bytes.subarray(from), to);
  return result;
}

const QUOTE = 0x22;
const BRACKET_OPEN = 0x5b;
const BRACE_OPEN = 0x7b;
