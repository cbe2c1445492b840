import { classifyAnswer, type AnswerHeaders, type UpstreamAnswer } from '@batchwright/core';
import { ERROR_STATUS, isErrorType } from '@batchwright/protocol';
import { findMember, keyName, Members, outline, parseSpan, type Span } from '@batchwright/scan';
import { ANSWER_LIMIT_BYTES } from './answer-limit.ts';
import { EventStreamReader } from './event-stream-reader.ts';
import { MessageBlock } from './message-block.ts';
import { RawObject } from './raw-object.ts';

/**
 * An answer that is streamed, put together to the message that the upstream would have sent whole: the keys and their
 * order are those of `message_start` and of each block's start, and texts, numbers and tool inputs stay as spelled.
 *
 * Invariant: what is kept never exceeds the limit by more than the chunk at hand, whatever is sent, and only a stream
 * that reached `message_stop` gives a message.
 */
export class StreamedMessage {
  readonly #reader = new EventStreamReader((name, data) => this.#onEvent(name, data));
  readonly #onStart: (usage: StartUsage | null) => void;
  readonly #limitBytes: number;
  #message: RawObject | null = null;
  #usage: RawObject | null = null;
  readonly #blocks: MessageBlock[] = [];
  #keptBytes = 0;
  #isComplete = false;
  #isEnding = false;
  #failure: StreamFailure | null = null;

  /** `onStart` hears once, of `message_start`, and with it what the prompt cost; null where no cache is spoken of. */
  constructor(onStart: (usage: StartUsage | null) => void, limitBytes: number = ANSWER_LIMIT_BYTES) {
    this.#onStart = onStart;
    this.#limitBytes = limitBytes;
  }

  /** Whether more bytes cannot change the answer: the call may be ended, and `end` asked. */
  get isOver(): boolean {
    return this.#isComplete || this.#failure !== null;
  }

  /** Whether it can come to no message any more. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  push(chunk: Uint8Array): void {
    if (this.isOver) return;
    this.#reader.push(asBuffer(chunk));
    if (this.#keptBytes + this.#reader.heldBytes > this.#limitBytes && !this.isOver) {
      this.#break(`the answer is longer than ${this.#limitBytes} bytes`);
    }
    if (this.#failure !== null) this.#forget();
  }

  /** What the stream comes to, once it has ended or `isOver`; `headers` are those of the response. */
  end(headers: AnswerHeaders, nowMs: number): StreamedAnswer {
    this.#isEnding = true;
    if (!this.isOver) this.#reader.end();
    if (!this.isOver) this.#break(this.#message === null ? NO_MESSAGE : 'the stream ended before its message did');
    const body = this.#failure === null ? this.#whole() : null;
    if (body !== null) return { answer: { type: 'succeeded' }, body };
    const failure = this.#failure ?? { type: 'broken', reason: 'the input of a tool call is not JSON' };
    this.#forget();
    if (failure.type === 'broken') return { answer: failure, body: EMPTY };
    const { status, body: errorBody } = failure;
    return { answer: classifyAnswer({ status, headers, body: errorBody, nowMs }), body: EMPTY };
  }

  #break(reason: string): void {
    this.#failure ??= { type: 'broken', reason };
  }

  #forget(): void {
    this.#blocks.length = 0;
    this.#message = null;
    this.#usage = null;
  }

  #onEvent(name: string, data: Buffer): void {
    if (this.isOver) return;
    const event = outline(data);
    if (event === null) return this.#onUnreadable(name, data);
    const parts = readParts(data, event.start);
    const type = textOf(data, parts.type) ?? name;
    switch (type) {
      case 'content_block_delta':
        return this.#onDelta(data, parts);
      case 'content_block_start':
        return this.#onBlock(data, parts);
      case 'message_start':
        return this.#onMessage(data, parts);
      case 'message_delta':
        return this.#onMessageDelta(data, event.start, parts);
      case 'message_stop':
        if (this.#message === null) this.#break(NO_MESSAGE);
        else this.#isComplete = true;
        return;
      default:
        // Pings, the stops of blocks, and what newer APIs may say.
        if (type === 'error' || name === 'error' || (type === '' && event.find('error') !== null)) {
          this.#failure = errorFailure(parseSpan(data, event));
        }
    }
  }

  #onUnreadable(name: string, data: Buffer): void {
    if (name === 'error') this.#failure = errorFailure(data.toString('utf8'));
    else if (!this.#isEnding && isOurs(name) && !data.equals(DONE)) this.#break('an event of the stream is not JSON');
  }

  #onMessage(data: Buffer, { part: span }: EventParts): void {
    if (span === null || data[span.start] !== BRACE_OPEN) return this.#break('message_start holds no message');
    if (this.#message !== null) return this.#break('the stream holds two messages');
    const message = this.#copy(data, span);
    this.#message = new RawObject(message);
    const usage = findMember(message, 0, USAGE);
    const isUsage = usage !== null && message[usage.start] === BRACE_OPEN;
    this.#usage = isUsage ? new RawObject(message.subarray(usage.start, usage.end)) : null;
    this.#earlyBlocks(message);
    this.#onStart(isUsage ? startUsage(parseSpan(message, usage)) : null);
  }

  /** A start's content is empty; should it not be, what it has comes first. */
  #earlyBlocks(message: Buffer): void {
    const content = findMember(message, 0, CONTENT);
    if (content === null || message[content.start] !== BRACKET_OPEN) return;
    const items = new Members(message, content.start);
    while (items.next()) this.#begin(this.#blocks.length, message, { start: items.valueStart, end: items.skip() });
  }

  #onBlock(data: Buffer, { index, part: block }: EventParts): void {
    if (this.#message === null) return;
    if (block === null || data[block.start] !== BRACE_OPEN) return this.#break('a content block has no beginning');
    this.#begin(numberOf(data, index) ?? this.#blocks.length, data, block);
    if (textOf(data, findMember(data, block.start, TYPE)) === 'fallback') this.#renameModel(data, block);
  }

  #begin(index: number, source: Buffer, block: Span): void {
    const start = Buffer.from(source.subarray(block.start, block.end));
    this.#blocks.push(new MessageBlock(index, start, (bytes) => (this.#keptBytes += bytes)));
  }

  /** A whole message names the model that served it in the end; a stream tells of a change by a block. */
  #renameModel(data: Buffer, block: Span): void {
    const to = findMember(data, block.start, TO);
    const model = to === null ? null : findMember(data, to.start, MODEL);
    if (model !== null) this.#message?.replace('model', [this.#copy(data, model)]);
  }

  #onDelta(data: Buffer, { index, part: delta }: EventParts): void {
    if (this.#message === null) return;
    const block = this.#blockAt(numberOf(data, index));
    if (block === null) return this.#break('a delta belongs to no content block');
    if (delta === null || data[delta.start] !== BRACE_OPEN) return;
    block.add(data, delta.start, textOf(data, findMember(data, delta.start, TYPE)) ?? '');
  }

  /** Blocks come one after the other, so it is nearly always the last. */
  #blockAt(index: number | null): MessageBlock | null {
    if (index === null) return this.#blocks.at(-1) ?? null;
    for (let i = this.#blocks.length - 1; i >= 0; i--) {
      const block = this.#blocks[i] as MessageBlock;
      if (block.index === index) return block;
    }
    return null;
  }

  #onMessageDelta(data: Buffer, open: number, { part: delta }: EventParts): void {
    if (this.#message === null) return;
    this.#assign(this.#message, data, open, BESIDE_MESSAGE, NOT_NULL);
    if (delta !== null) this.#assign(this.#message, data, delta.start, BESIDE_MESSAGE, STOPS);
    const usage = findMember(data, open, USAGE);
    if (usage === null || data[usage.start] !== BRACE_OPEN) return;
    // Its counters are totals, and those that do not apply are null or missing: they take the place of what was said.
    this.#usage ??= new RawObject(Buffer.from('{}'));
    this.#assign(this.#usage, data, usage.start, NO_KEYS, NOT_NULL);
  }

  /** Gives `target` the members of the object at `open`, but for some keys; a null counts for the keys in `nullable` alone. */
  #assign(
    target: RawObject,
    data: Buffer,
    open: number,
    left: ReadonlySet<string>,
    nullable: ReadonlySet<string>,
  ): void {
    if (data[open] !== BRACE_OPEN) return;
    const members = new Members(data, open);
    while (members.next()) {
      const key = members.key();
      const value = { start: members.valueStart, end: members.skip() };
      if (left.has(key) || (data[value.start] === LETTER_N && !nullable.has(key))) continue;
      this.#keptBytes += key.length;
      target.replace(key, [this.#copy(data, value)]);
    }
  }

  #copy(data: Buffer, { start, end }: Span): Buffer {
    this.#keptBytes += end - start + VALUE_OVERHEAD_BYTES;
    return Buffer.from(data.subarray(start, end));
  }

  /** The message's bytes; null when a tool's input is not JSON. */
  #whole(): Buffer | null {
    const message = this.#message as RawObject;
    const content: Buffer[] = [];
    for (const block of this.#blocks) {
      content.push(content.length === 0 ? LIST_OPEN : COMMA);
      if (!block.write(content)) return null;
    }
    message.replace('content', content.length === 0 ? [EMPTY_LIST] : [...content, LIST_CLOSE]);
    if (this.#usage !== null) {
      const usage: Buffer[] = [];
      this.#usage.write(usage);
      message.replace('usage', usage);
    }
    const pieces: Buffer[] = [];
    message.write(pieces);
    return Buffer.concat(pieces);
  }
}

/** What a prompt cost at the cache, told before the answer. */
export interface StartUsage {
  readonly inputTokens: number;
  readonly readTokens: number;
  readonly createdTokens: number;
}

/** As for an answer that came whole: `body` holds the message's bytes when it succeeded, and none otherwise. */
export interface StreamedAnswer {
  readonly answer: UpstreamAnswer;
  readonly body: Uint8Array;
}

type StreamFailure =
  | { readonly type: 'error'; readonly status: number; readonly body: unknown }
  | { readonly type: 'broken'; readonly reason: string };

const NO_MESSAGE = 'the stream ended without a message';

function startUsage(usage: unknown): StartUsage | null {
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage as Record<string, unknown>;
  if (!isCount(cache_read_input_tokens) && !isCount(cache_creation_input_tokens)) return null;
  const count = (value: unknown): number => (isCount(value) ? value : 0);
  return {
    inputTokens: count(input_tokens),
    readTokens: count(cache_read_input_tokens),
    createdTokens: count(cache_creation_input_tokens),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

/** An error in a stream says what the status would have said of one that came at once. */
function errorFailure(body: unknown): StreamFailure {
  const error = recordOf(recordOf(body)?.['error']);
  const [type, code] = [error?.['type'], error?.['code']];
  if (isErrorType(type)) return { type: 'error', status: ERROR_STATUS[type], body };
  const isStatus = typeof code === 'number' && Number.isInteger(code) && code >= 400 && code < 600;
  return { type: 'error', status: isStatus ? code : 500, body };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
}

/** Whether a data that cannot be read matters: an event of another name, a ping included, is none of the message's. */
function isOurs(name: string): boolean {
  return name === '' || name === 'message' || name.startsWith('message_') || name.startsWith('content_block_');
}

/** What is looked for in every event, found in one walk. */
interface EventParts {
  type: Span | null;
  index: Span | null;
  /** The event's matter: the message, the block or the delta. */
  part: Span | null;
}

function readParts(data: Buffer, open: number): EventParts {
  const parts: EventParts = { type: null, index: null, part: null };
  const members = new Members(data, open);
  while (members.next()) {
    const span = { start: members.valueStart, end: members.skip() };
    if (members.keyIs(TYPE)) parts.type = span;
    else if (members.keyIs(INDEX)) parts.index = span;
    else if (members.keyIs(DELTA) || members.keyIs(CONTENT_BLOCK) || members.keyIs(MESSAGE)) parts.part = span;
  }
  return parts;
}

function numberOf(data: Buffer, span: Span | null): number | null {
  const number = span === null ? NaN : Number(data.toString('latin1', span.start, span.end));
  return Number.isInteger(number) ? number : null;
}

function textOf(data: Buffer, span: Span | null): string | null {
  if (span === null || data[span.start] !== QUOTE) return null;
  const raw = data.toString('utf8', span.start + 1, span.end - 1);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

const CONTENT = keyName('content');
const CONTENT_BLOCK = keyName('content_block');
const DELTA = keyName('delta');
const INDEX = keyName('index');
const MESSAGE = keyName('message');
const MODEL = keyName('model');
const TO = keyName('to');
const TYPE = keyName('type');
const USAGE = keyName('usage');

/** Keys of a `message_delta` that say something else than the message's own. */
const BESIDE_MESSAGE: ReadonlySet<string> = new Set([
  ...['type', 'delta', 'usage', 'index', 'message', 'id', 'role', 'model', 'content'],
]);
const NO_KEYS: ReadonlySet<string> = new Set();
const NOT_NULL: ReadonlySet<string> = NO_KEYS;
/** These say null when they mean it; of all else null says that nothing is new. */
const STOPS: ReadonlySet<string> = new Set(['stop_reason', 'stop_sequence', 'stop_details']);

/** What servers of OpenAI's kind end a stream with. */
const DONE = Buffer.from('[DONE]');
const EMPTY = new Uint8Array(0);
const EMPTY_LIST = Buffer.from('[]');
const LIST_OPEN = Buffer.from('[');
const LIST_CLOSE = Buffer.from(']');
const COMMA = Buffer.from(',');
const QUOTE = 0x22;
const BRACKET_OPEN = 0x5b;
const LETTER_N = 0x6e;
const BRACE_OPEN = 0x7b;
const VALUE_OVERHEAD_BYTES = 200;

/** The same bytes as a Buffer, whose searches and copies are native. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
