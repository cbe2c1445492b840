import type { PromptBlocks, RequestNotes } from '@batchwright/core';
import type { Problem, RandomBytes } from '@batchwright/protocol';
import { contentProblem, faultProblem, unfinishedProblem, utf8Problem } from './body-problem.ts';
import { notesBytes, PromptNotes } from './prompt-notes.ts';
import { CustomIds, type RequestIndex } from './request-index.ts';
import { instantiateScanner, type ScannerExports, type ScannerInstance } from './scanner-module.ts';
import type { BodyVerdict } from './scanner.ts';
import { Utf8Check } from './utf8-check.ts';

const HASH_SEED_BYTES = 16;

/**
 * Checks and indexes one create body at a time, and notes the blocks of its prompts. Its memory holds a ring of blocks,
 * which the caller fills with the body and may write to disk from; bytes are scanned where they lie. Order of calls:
 * `begin`, `feed` until it answers a problem or the body is over, `finish`; and of a body that was accepted `index`,
 * `promptBlocks` and `requestNotes`. What these three answer are views of the scanner's memory, since copies of them were
 * most of what an upload left behind: they hold until the next `begin`.
 */
export class BodyScanner {
  /** The ring's blocks, side by side. What lies in them is the caller's. */
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
  readonly #scanner: ScannerInstance;
  readonly #utf8 = new Utf8Check();
  readonly #notes: PromptNotes;
  #notesRequests = true;
  #fedBytes = 0;
  #problem: Problem | null = null;

  constructor(blockCount: number, blockBytes: number) {
    const ringBytes = blockCount * blockBytes;
    const notesAt = (exports: ScannerExports) => exports.RING.value + ringBytes + exports.RING_SLACK_BYTES.value;
    this.#scanner = instantiateScanner((exports) => notesAt(exports) + notesBytes(exports));
    this.#notes = new PromptNotes(this.#scanner, notesAt(this.#scanner.exports));
    const { memory, exports } = this.#scanner;
    this.blocks = Array.from({ length: blockCount }, (_, block) => {
      const address = exports.RING.value + block * blockBytes;
      return memory.subarray(address, address + blockBytes);
    });
  }

  /**
   * Starts a new body. Chance makes the custom_ids' hashes unforeseeable; `promptSeed`, 64 bits, tells apart the prompts
   * of bodies that are rendered differently although they say the same. Without `notesRequests` there will be no
   * `requestNotes`, and the memory for them is not taken.
   */
  begin(randomBytes: RandomBytes, promptSeed: bigint, notesRequests = true): void {
    const { exports, memory } = this.#scanner;
    exports.beginBody(promptSeed, notesRequests);
    this.#notesRequests = notesRequests;
    this.#notes.clear();
    memory.set(randomBytes(HASH_SEED_BYTES), exports.HASH_SEED.value);
    this.#utf8.reset();
    this.#fedBytes = 0;
    this.#problem = null;
  }

  /** Reads the body's next bytes, which lie in one of `blocks`. A problem is final: the body is not JSON. */
  feed(bytes: Uint8Array): Problem | null {
    if (bytes.buffer !== this.#scanner.memory.buffer)
      throw new Error('The scanner was fed bytes from outside its ring.');
    if (this.#problem !== null) throw new Error('The scanner was fed on after it had found a problem.');
    const { fault, faultOffset } = this.#scan(bytes);
    const invalidOffset = this.#utf8.feed(bytes) ?? Infinity;
    this.#fedBytes += bytes.length;
    // Whichever comes first in the body, so that the words do not depend on how it was cut.
    if (invalidOffset < faultOffset) this.#problem = utf8Problem(invalidOffset);
    else if (fault !== 0) this.#problem = faultProblem(fault, faultOffset);
    return this.#problem;
  }

  /** The verdict on the whole body, once every byte has been fed. */
  finish(): BodyVerdict {
    const problem = this.#problem ?? this.#endProblem() ?? contentProblem(this.#scanner);
    return problem === null
      ? { type: 'accepted', count: this.#scanner.exports.itemCount() }
      : { type: 'refused', problem };
  }

  /** Where each request lies. */
  index(count: number): RequestIndex {
    const { exports, memory } = this.#scanner;
    const { buffer } = memory;
    return {
      count,
      paramsOffset: new Uint32Array(buffer, exports.PARAMS_OFFSETS.value, count),
      paramsBytes: new Uint32Array(buffer, exports.PARAMS_BYTES.value, count),
      traits: new Uint8Array(buffer, exports.REQUEST_TRAITS.value, count),
      customIds: new CustomIds(
        new Uint8Array(buffer, exports.CUSTOM_ID_BYTES.value, count),
        new Uint8Array(buffer, exports.CUSTOM_IDS.value, exports.storedIdBytes()),
      ),
    };
  }

  /** The blocks of every request's prompt. */
  promptBlocks(): PromptBlocks {
    return this.#notes.promptBlocks();
  }

  /** What else of each request an estimate needs. */
  requestNotes(): RequestNotes {
    if (!this.#notesRequests) throw new Error('The scanner was not asked for notes of requests.');
    return this.#notes.requestNotes();
  }

  /** Piece by piece, since the blocks that a piece completes must fit their window. */
  #scan(bytes: Uint8Array): { readonly fault: number; readonly faultOffset: number } {
    const { exports } = this.#scanner;
    const pieceBytes = exports.PROMPT_PIECE_BYTES.value;
    const end = bytes.byteOffset + bytes.length;
    for (let at = bytes.byteOffset; at < end; at += pieceBytes) {
      const fault = exports.feed(at, Math.min(pieceBytes, end - at));
      if (fault !== 0) return { fault, faultOffset: exports.faultOffset(at) };
      this.#notes.take();
    }
    return { fault: 0, faultOffset: Infinity };
  }

  #endProblem(): Problem | null {
    const invalidOffset = this.#utf8.finish();
    if (invalidOffset !== null) return utf8Problem(invalidOffset);
    return this.#scanner.exports.isDocumentComplete() ? null : unfinishedProblem(this.#fedBytes);
  }
}
