import { tokenEstimator, type BlockSize, type PromptBlocks, type RequestNotes } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import { textOf } from './runtime.ts';
import type { ScannerInstance } from './scanner-module.ts';

/** The number the scanner gives to a model whose name it did not keep. */
const UNKNOWN_MODEL = 255;
/** Where the fields of a block in the window lie; see `assembly/prompt-blocks.ts`. */
const FIELDS = { hash: 0, textBytes: 8, documentBytes: 12, documents: 16, images: 18, traits: 20 } as const;

type Estimate = (size: BlockSize) => number;

/**
 * The blocks of one body's prompts, taken from the scanner piece by piece: its window holds no more than a piece can
 * complete. Tokens are estimated on the way, so that of each block only 13 bytes are kept; and nothing is allocated for
 * a block, since a body may have a million.
 */
export class PromptNotes {
  readonly #scanner: ScannerInstance;
  readonly #window: DataView;
  readonly #blockBytes: number;
  /** For each recorded request how many blocks come before its own, and how many there are in all. */
  readonly #firstBlocks: Uint32Array;
  readonly #models: Uint8Array;
  readonly #size = { textBytes: 0, images: 0, documents: 0, documentBytes: 0 };
  #list = new BlockList();
  #requests = 0;
  #estimates: (Estimate | undefined)[] = [];

  constructor(scanner: ScannerInstance) {
    const { exports, memory } = scanner;
    this.#scanner = scanner;
    this.#window = new DataView(memory.buffer, exports.PROMPT_WINDOW.value);
    this.#blockBytes = exports.PROMPT_BLOCK_BYTES.value;
    this.#firstBlocks = new Uint32Array(memory.buffer, exports.FIRST_BLOCKS.value, LIMITS.batchRequests + 1);
    this.#models = new Uint8Array(memory.buffer, exports.REQUEST_MODELS.value, LIMITS.batchRequests);
  }

  clear(): void {
    this.#list = new BlockList();
    this.#requests = 0;
    this.#estimates = [];
  }

  /** Takes what the piece fed last has completed. */
  take(): void {
    const { exports } = this.#scanner;
    if (exports.takeForgotten() === 1) this.clear();
    const recorded = exports.recordedCount();
    if (recorded === this.#requests) return;
    exports.takeBlocks();
    let at = 0;
    for (let request = this.#requests; request < recorded; request++) {
      const model = this.#models[request] ?? UNKNOWN_MODEL;
      const estimate = (this.#estimates[model] ??= tokenEstimator(modelName(this.#scanner, model)));
      const blocks = (this.#firstBlocks[request + 1] ?? 0) - (this.#firstBlocks[request] ?? 0);
      at = this.#takePrompt(at, at + blocks * this.#blockBytes, estimate);
    }
    this.#requests = recorded;
  }

  /** All that was taken, once the whole body has been. Copies: the scanner's next body does not touch it. */
  promptBlocks(): PromptBlocks {
    const count = this.#requests;
    const names = Array.from({ length: this.#scanner.exports.modelCount() }, (_, model) =>
      modelName(this.#scanner, model),
    );
    const numbers = this.#models.subarray(0, count);
    const unknown = names.length;
    return {
      requestCount: count,
      firstBlock: this.#firstBlocks.slice(0, count + 1),
      ...this.#list.join(),
      model: new Uint16Array(numbers).map((model) => (model === UNKNOWN_MODEL ? unknown : model)),
      models: numbers.includes(UNKNOWN_MODEL) ? [...names, ''] : names,
    };
  }

  /** What else was noted of each request. Copies, as `promptBlocks`. */
  requestNotes(): RequestNotes {
    const { exports, memory } = this.#scanner;
    const count = this.#requests;
    return {
      maxTokens: new Uint32Array(memory.buffer, exports.REQUEST_MAX_TOKENS.value, count).slice(),
      toolCount: new Uint16Array(memory.buffer, exports.TOOL_COUNTS.value, count).slice(),
      toolSet: new Float64Array(memory.buffer, exports.TOOL_SETS.value, count).slice(),
    };
  }

  #takePrompt(from: number, to: number, estimate: Estimate): number {
    const window = this.#window;
    const size = this.#size;
    let tokens = 0;
    let at = from;
    for (; at < to; at += this.#blockBytes) {
      size.textBytes = window.getUint32(at + FIELDS.textBytes, true);
      size.documentBytes = window.getUint32(at + FIELDS.documentBytes, true);
      size.documents = window.getUint16(at + FIELDS.documents, true);
      size.images = window.getUint16(at + FIELDS.images, true);
      tokens += estimate(size);
      this.#list.push(window.getFloat64(at + FIELDS.hash, true), tokens, window.getUint8(at + FIELDS.traits));
    }
    return at;
  }
}

/** Blocks of the first segment of a list, and of the largest. */
const FIRST_SEGMENT = 1024;
const LARGEST_SEGMENT = 65_536;

type Segment = Pick<PromptBlocks, 'hash' | 'tokens' | 'traits'>;

/** Grows by whole segments, each twice the last up to a bound: what is there is not copied to make room. */
class BlockList {
  readonly #full: Segment[] = [];
  #filling = makeSegment(FIRST_SEGMENT);
  #filled = 0;

  push(hash: number, tokens: number, traits: number): void {
    if (this.#filled === this.#filling.hash.length) this.#addSegment();
    const { hash: hashes, tokens: counts, traits: bits } = this.#filling;
    hashes[this.#filled] = hash;
    counts[this.#filled] = tokens;
    bits[this.#filled] = traits;
    this.#filled++;
  }

  join(): Segment {
    const parts = [...this.#full, cut(this.#filling, this.#filled)];
    const all = makeSegment(parts.reduce((length, part) => length + part.hash.length, 0));
    let length = 0;
    for (const part of parts) {
      all.hash.set(part.hash, length);
      all.tokens.set(part.tokens, length);
      all.traits.set(part.traits, length);
      length += part.hash.length;
    }
    return all;
  }

  #addSegment(): void {
    this.#full.push(this.#filling);
    this.#filling = makeSegment(Math.min(this.#filled * 2, LARGEST_SEGMENT));
    this.#filled = 0;
  }
}

function makeSegment(blocks: number): Segment {
  return { hash: new Float64Array(blocks), tokens: new Uint32Array(blocks), traits: new Uint8Array(blocks) };
}

function cut({ hash, tokens, traits }: Segment, blocks: number): Segment {
  return { hash: hash.subarray(0, blocks), tokens: tokens.subarray(0, blocks), traits: traits.subarray(0, blocks) };
}

function modelName({ exports, memory }: ScannerInstance, model: number): string {
  if (model === UNKNOWN_MODEL) return '';
  const from = exports.MODEL_NAMES.value + model * exports.MODEL_NAME_BYTES.value;
  const bytes = new DataView(memory.buffer).getUint16(exports.MODEL_NAME_LENGTHS.value + model * 2, true);
  return JSON.parse(`"${textOf(memory.subarray(from, from + bytes))}"`) as string;
}
