import { tokenEstimator, type BlockSize, type PromptBlocks, type RequestNotes } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import { textOf } from './runtime.ts';
import type { ScannerExports, ScannerInstance } from './scanner-module.ts';

/** The number the scanner gives to a model whose name it did not keep. */
const UNKNOWN_MODEL = 255;
/** Where the fields of a block in the window lie; see `assembly/prompt-blocks.ts`. */
const FIELDS = { hash: 0, textBytes: 8, documentBytes: 12, documents: 16, images: 18, traits: 20 } as const;

/** Of each block its hash, its tokens and its traits are kept. */
const NOTE_BYTES = 8 + 4 + 1;

type Estimate = (size: BlockSize) => number;

/**
 * The blocks of one body's prompts, taken from the scanner piece by piece: its window holds no more than a piece can
 * complete. Tokens are estimated on the way, so that of each block only 13 bytes are kept, in the scanner's own memory:
 * a body may have a million blocks, and pages that no body needed yet are not taken.
 */
export class PromptNotes {
  readonly #scanner: ScannerInstance;
  readonly #window: DataView;
  readonly #blockBytes: number;
  /** For each recorded request how many blocks come before its own, and how many there are in all. */
  readonly #firstBlocks: Uint32Array;
  readonly #models: Uint8Array;
  readonly #size = { textBytes: 0, images: 0, documents: 0, documentBytes: 0 };
  readonly #hashes: Float64Array;
  readonly #tokens: Uint32Array;
  readonly #traits: Uint8Array;
  #blocks = 0;
  #requests = 0;
  #estimates: (Estimate | undefined)[] = [];

  /** `address` is where `notesBytes` are free, at a multiple of eight. */
  constructor(scanner: ScannerInstance, address: number) {
    const { exports, memory } = scanner;
    this.#scanner = scanner;
    this.#window = new DataView(memory.buffer, exports.PROMPT_WINDOW.value);
    this.#blockBytes = exports.PROMPT_BLOCK_BYTES.value;
    this.#firstBlocks = new Uint32Array(memory.buffer, exports.FIRST_BLOCKS.value, LIMITS.batchRequests + 1);
    this.#models = new Uint8Array(memory.buffer, exports.REQUEST_MODELS.value, LIMITS.batchRequests);
    const most = exports.MAXIMUM_BLOCKS.value;
    this.#hashes = new Float64Array(memory.buffer, address, most);
    this.#tokens = new Uint32Array(memory.buffer, address + 8 * most, most);
    this.#traits = new Uint8Array(memory.buffer, address + 12 * most, most);
  }

  clear(): void {
    this.#blocks = 0;
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

  /** All that was taken, once the whole body has been. Views: the scanner's next body overwrites them. */
  promptBlocks(): PromptBlocks {
    const count = this.#requests;
    const names = Array.from({ length: this.#scanner.exports.modelCount() }, (_, model) =>
      modelName(this.#scanner, model),
    );
    const model = new Uint16Array(this.#models.subarray(0, count));
    const isAnyUnknown = model.includes(UNKNOWN_MODEL);
    if (isAnyUnknown) model.forEach((number, r) => (model[r] = number === UNKNOWN_MODEL ? names.length : number));
    return {
      requestCount: count,
      firstBlock: this.#firstBlocks.subarray(0, count + 1),
      hash: this.#hashes.subarray(0, this.#blocks),
      tokens: this.#tokens.subarray(0, this.#blocks),
      traits: this.#traits.subarray(0, this.#blocks),
      model,
      models: isAnyUnknown ? [...names, ''] : names,
    };
  }

  /** What else was noted of each request. Views, as those of `promptBlocks`. */
  requestNotes(): RequestNotes {
    const { exports, memory } = this.#scanner;
    const count = this.#requests;
    return {
      maxTokens: new Uint32Array(memory.buffer, exports.REQUEST_MAX_TOKENS.value, count),
      toolCount: new Uint16Array(memory.buffer, exports.TOOL_COUNTS.value, count),
      toolSet: new Float64Array(memory.buffer, exports.TOOL_SETS.value, count),
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
      this.#hashes[this.#blocks] = window.getFloat64(at + FIELDS.hash, true);
      this.#tokens[this.#blocks] = tokens;
      this.#traits[this.#blocks] = window.getUint8(at + FIELDS.traits);
      this.#blocks += 1;
    }
    return at;
  }
}

/** Bytes behind everything else in a scanner's memory that hold the notes of the most blocks a body may have. */
export function notesBytes({ MAXIMUM_BLOCKS }: ScannerExports): number {
  return MAXIMUM_BLOCKS.value * NOTE_BYTES;
}

function modelName({ exports, memory }: ScannerInstance, model: number): string {
  if (model === UNKNOWN_MODEL) return '';
  const from = exports.MODEL_NAMES.value + model * exports.MODEL_NAME_BYTES.value;
  const bytes = new DataView(memory.buffer).getUint16(exports.MODEL_NAME_LENGTHS.value + model * 2, true);
  return JSON.parse(`"${textOf(memory.subarray(from, from + bytes))}"`) as string;
}
