import { tokenEstimator, type BlockSize, type PromptBlocks } from '@batchwright/core';
import type { ScannerInstance } from './scanner-module.ts';

/** The number the scanner gives to a model whose name it did not keep. */
const UNKNOWN_MODEL = 255;
/** Where the fields of a block in the window lie; see `assembly/prompt-blocks.ts`. */
const FIELDS = { hash: 0, textBytes: 8, documentBytes: 12, documents: 16, images: 18, traits: 20 } as const;

type Estimate = (size: BlockSize) => number;

/**
 * The blocks of one body's prompts, taken from the scanner piece by piece: its window holds no more than a piece can
 * complete. Tokens are estimated on the way, so that of each block only 13 bytes are kept.
 */
export class PromptNotes {
  readonly #scanner: ScannerInstance;
  readonly #window: DataView;
  #list = new BlockList();
  #requests = 0;
  #estimates: (Estimate | undefined)[] = [];

  constructor(scanner: ScannerInstance) {
    this.#scanner = scanner;
    this.#window = new DataView(scanner.memory.buffer, scanner.exports.PROMPT_WINDOW.value);
  }

  clear(): void {
    this.#list = new BlockList();
    this.#requests = 0;
    this.#estimates = [];
  }

  /** Takes what the piece fed last has completed. */
  take(): void {
    const { exports, memory } = this.#scanner;
    if (exports.takeForgotten() === 1) this.clear();
    const recorded = exports.recordedCount();
    if (recorded === this.#requests) return;
    exports.takeBlocks();
    const first = firstBlocks(this.#scanner, recorded);
    let at = 0;
    for (let request = this.#requests; request < recorded; request++) {
      const blocks = (first[request + 1] ?? 0) - (first[request] ?? 0);
      const model = memory[exports.REQUEST_MODELS.value + request] ?? UNKNOWN_MODEL;
      this.#takePrompt(at, blocks, (this.#estimates[model] ??= tokenEstimator(modelName(this.#scanner, model))));
      at += blocks * exports.PROMPT_BLOCK_BYTES.value;
    }
    this.#requests = recorded;
  }

  /** All that was taken, once the whole body has been. Copies: the scanner's next body does not touch it. */
  promptBlocks(): PromptBlocks {
    const { exports, memory } = this.#scanner;
    const count = this.#requests;
    const names = Array.from({ length: exports.modelCount() }, (_, model) => modelName(this.#scanner, model));
    const numbers = memory.subarray(exports.REQUEST_MODELS.value, exports.REQUEST_MODELS.value + count);
    const unknown = names.length;
    return {
      requestCount: count,
      firstBlock: firstBlocks(this.#scanner, count).slice(),
      ...this.#list.join(),
      model: Uint16Array.from(numbers, (model) => (model === UNKNOWN_MODEL ? unknown : model)),
      models: numbers.includes(UNKNOWN_MODEL) ? [...names, ''] : names,
    };
  }

  #takePrompt(from: number, blocks: number, estimate: Estimate): void {
    const blockBytes = this.#scanner.exports.PROMPT_BLOCK_BYTES.value;
    let tokens = 0;
    for (let at = from; at < from + blocks * blockBytes; at += blockBytes) {
      tokens += estimate(sizeAt(this.#window, at));
      const hash = this.#window.getFloat64(at + FIELDS.hash, true);
      this.#list.push(hash, tokens, this.#window.getUint8(at + FIELDS.traits));
    }
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

function sizeAt(window: DataView, at: number): BlockSize {
  return {
    textBytes: window.getUint32(at + FIELDS.textBytes, true),
    documentBytes: window.getUint32(at + FIELDS.documentBytes, true),
    documents: window.getUint16(at + FIELDS.documents, true),
    images: window.getUint16(at + FIELDS.images, true),
  };
}

/** For each of `requests` requests how many blocks come before its own, and how many there are in all. */
function firstBlocks({ exports, memory }: ScannerInstance, requests: number): Uint32Array {
  return new Uint32Array(memory.buffer, exports.FIRST_BLOCKS.value, requests + 1);
}

function modelName({ exports, memory }: ScannerInstance, model: number): string {
  if (model === UNKNOWN_MODEL) return '';
  const from = exports.MODEL_NAMES.value + model * exports.MODEL_NAME_BYTES.value;
  const bytes = new DataView(memory.buffer).getUint16(exports.MODEL_NAME_LENGTHS.value + model * 2, true);
  return JSON.parse(`"${Buffer.from(memory.buffer, from, bytes).toString('utf8')}"`) as string;
}
