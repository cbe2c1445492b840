import { closeCutJson, isJson } from './cut-json.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { findMember, keyName, Members, skipSpace, type Span } from '@batchwright/scan';
import { RawObject } from './raw-object.ts';

/**
 * One content block of a streamed message: what it began as, and its deltas. Texts are gathered as they are spelled
 * inside their quotes, so nothing is decoded and spelled again but a tool's input, which is sent as JSON within a string.
 *
 * Deltas that are not known are taken as what they look like: each member adds to the block's member of the same name, a
 * text to a text, a list to a list, and anything else takes its place.
 */
export class MessageBlock {
  /** As the stream counts; deltas name it. */
  readonly index: number;
  readonly #object: RawObject;
  readonly #gathered = new Map<string, Gathered>();
  readonly #onKept: (bytes: number) => void;

  /** `onKept` is told of every byte kept. */
  constructor(index: number, start: Buffer, onKept: (bytes: number) => void) {
    this.index = index;
    this.#object = new RawObject(start);
    this.#onKept = onKept;
    onKept(start.length + BLOCK_OVERHEAD_BYTES);
  }

  /** Adds the delta that lies at `open` in `event`. */
  add(event: Buffer, open: number, type: string): void {
    switch (type) {
      case 'text_delta':
        return this.#addMember(event, open, 'text');
      case 'thinking_delta':
        return this.#addMember(event, open, 'thinking');
      case 'input_json_delta':
        return this.#addInput(event, open);
      case 'citations_delta':
        return this.#addCitation(event, open);
      case 'signature_delta':
      case 'compaction_delta':
        return this.#eachMember(event, open, (key, value) => this.#put(key, event, value));
      default:
        return this.#eachMember(event, open, (key, value) => this.#add(key, event, value));
    }
  }

  /** Appends the pieces of the whole block; false when a tool's input is no JSON, not even cut short. */
  write(pieces: Buffer[]): boolean {
    for (const [key, gathered] of this.#gathered) {
      const value = gathered.form === 'input' ? inputJson(gathered.bytes) : valuePieces(gathered);
      if (value === null) return false;
      if (value.length > 0) this.#object.replace(key, value);
    }
    this.#object.write(pieces);
    return true;
  }

  #addMember(event: Buffer, open: number, key: 'text' | 'thinking'): void {
    const value = findMember(event, open, key === 'text' ? TEXT : THINKING);
    if (value !== null && event[value.start] === QUOTE) this.#add(key, event, value);
  }

  #addInput(event: Buffer, open: number): void {
    const value = findMember(event, open, PARTIAL_JSON);
    if (value === null || event[value.start] !== QUOTE) return;
    const gathered = this.#gathered.get('input') ?? this.#begin('input', 'input');
    this.#append(gathered, event, value.start + 1, value.end - 1);
  }

  #addCitation(event: Buffer, open: number): void {
    const value = findMember(event, open, CITATION);
    if (value !== null) this.#addItems(this.#gatheredAs('citations', 'list'), event, value);
  }

  #eachMember(event: Buffer, open: number, visit: (key: string, value: Span) => void): void {
    const members = new Members(event, open);
    while (members.next()) {
      const key = members.key();
      const value = { start: members.valueStart, end: members.skip() };
      if (key !== 'type') visit(key, value);
    }
  }

  #add(key: string, event: Buffer, value: Span): void {
    const first = event[value.start];
    if (first === QUOTE) this.#append(this.#gatheredAs(key, 'text'), event, value.start + 1, value.end - 1);
    else if (first === BRACKET_OPEN) this.#addList(key, event, value);
    else this.#put(key, event, value);
  }

  #addList(key: string, event: Buffer, value: Span): void {
    const inside = { start: skipSpace(event, value.start + 1), end: value.end - 1 };
    const gathered = this.#gatheredAs(key, 'list');
    if (inside.start < inside.end) this.#addItems(gathered, event, inside);
  }

  #addItems(gathered: Gathered, event: Buffer, items: Span): void {
    if (gathered.bytes.length > 0) this.#append(gathered, COMMA, 0, 1);
    this.#append(gathered, event, items.start, items.end);
  }

  #put(key: string, event: Buffer, value: Span): void {
    this.#append(this.#begin(key, 'whole'), event, value.start, value.end);
  }

  /** What is gathered under a key, going on from what the block has there when that is of the same form. */
  #gatheredAs(key: string, form: 'text' | 'list'): Gathered {
    const before = this.#gathered.get(key);
    if (before?.form === form) return before;
    const whole = before?.form === 'whole' ? before.bytes.view() : null;
    const own = whole === null ? findMember(this.#object.bytes, 0, keyName(key)) : { start: 0, end: whole.length };
    const source = whole ?? this.#object.bytes;
    const gathered = this.#begin(key, form);
    if (own === null || source[own.start] !== (form === 'text' ? QUOTE : BRACKET_OPEN)) return gathered;
    const start = form === 'text' ? own.start + 1 : skipSpace(source, own.start + 1);
    this.#append(gathered, source, start, own.end - 1);
    return gathered;
  }

  #begin(key: string, form: Gathered['form']): Gathered {
    const gathered = { form, bytes: new GrowingBytes(FIRST_BYTES) };
    this.#gathered.set(key, gathered);
    this.#onKept(key.length + BLOCK_OVERHEAD_BYTES);
    return gathered;
  }

  #append(gathered: Gathered, source: Buffer, start: number, end: number): void {
    gathered.bytes.append(source, start, end);
    this.#onKept(end - start);
  }
}

/** A member's new value: the inside of a text or a list, a whole value, or the inside of the text that spells an input. */
interface Gathered {
  readonly form: 'text' | 'list' | 'whole' | 'input';
  readonly bytes: GrowingBytes;
}

function valuePieces({ form, bytes }: Gathered): readonly Buffer[] {
  switch (form) {
    case 'text':
      return [QUOTES, bytes.view(), QUOTES];
    case 'list':
      return [LIST_OPEN, bytes.view(), LIST_CLOSE];
    default:
      return [bytes.view()];
  }
}

/** The input a tool is called with; empty when none was sent, null when it is no JSON. One cut short is what is whole of it. */
function inputJson(spelled: GrowingBytes): readonly Buffer[] | null {
  const json = JSON.parse(`"${spelled.view().toString('utf8')}"`) as string;
  if (json.trim() === '') return [];
  const whole = isJson(json) ? json : closeCutJson(json);
  // Half of a pair has no bytes of its own. It can only stand in a text, where its escape says the same.
  return whole === null ? null : [Buffer.from(whole.replaceAll(/\p{Surrogate}/gu, unitEscape))];
}

function unitEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16)}`;
}

const TEXT = keyName('text');
const THINKING = keyName('thinking');
const PARTIAL_JSON = keyName('partial_json');
const CITATION = keyName('citation');
const QUOTE = 0x22;
const BRACKET_OPEN = 0x5b;
const QUOTES = Buffer.from('"');
const COMMA = Buffer.from(',');
const LIST_OPEN = Buffer.from('[');
const LIST_CLOSE = Buffer.from(']');
const FIRST_BYTES = 128;
/** About what a block and each of its gathered members take beside their bytes, so that many empty ones are bounded. */
const BLOCK_OVERHEAD_BYTES = 512;
