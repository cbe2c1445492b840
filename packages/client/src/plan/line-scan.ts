import { assert } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import { BodyScanner } from '@batchwright/scan';
import { BETWEEN, BODY_CLOSE, BODY_OPEN } from './body-frame.ts';
import { ScannedParts, type ScannedRequests } from './scanned-parts.ts';

/**
 * Notes what the prompts of checked requests have in common: feeds their lines to the scanner that servers pass create
 * bodies through, as if they were such bodies. The scanner takes so many requests a body; prompts are hashed alike in all
 * of them, so that the notes of one body go on where those of the one before end.
 */
export class LineScan {
  readonly #scanner = new BodyScanner(1, BLOCK_BYTES);
  readonly #block: Uint8Array;
  readonly #parts = new ScannedParts();
  /** Of the block, not fed yet. */
  #filled = 0;
  /** Of the body under way. */
  #requests = 0;
  #bytes = 0;

  constructor() {
    const [block] = this.#scanner.blocks;
    assert(block !== undefined, () => 'the scanner has no block');
    this.#block = block;
  }

  /** Takes a line that `checkRequest` found nothing wrong with, its custom_id included: no two may be the same. */
  add(line: Uint8Array): void {
    if (this.#requests > 0 && this.#isFull(line.length)) this.#endBody();
    if (this.#requests === 0) this.#scanner.begin(zeroBytes, PROMPT_SEED);
    this.#put(this.#requests === 0 ? BODY_OPEN : BETWEEN);
    this.#put(line);
    this.#requests += 1;
    this.#bytes += line.length;
  }

  finish(): ScannedRequests {
    if (this.#requests > 0) this.#endBody();
    return this.#parts.join();
  }

  #isFull(moreBytes: number): boolean {
    return this.#requests === LIMITS.batchRequests || this.#bytes + moreBytes > BODY_BYTES;
  }

  #endBody(): void {
    this.#put(BODY_CLOSE);
    this.#feed();
    const verdict = this.#scanner.finish();
    assert(verdict.type === 'accepted' && verdict.count === this.#requests, () => 'checked lines were no create body');
    this.#parts.add(this.#scanner.promptBlocks(), this.#scanner.requestNotes());
    this.#requests = 0;
    this.#bytes = 0;
  }

  #put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === BLOCK_BYTES) this.#feed();
    }
  }

  #feed(): void {
    const problem = this.#scanner.feed(this.#block.subarray(0, this.#filled));
    assert(problem === null, () => 'a checked line is no JSON');
    this.#filled = 0;
  }
}

const BLOCK_BYTES = 262_144;
/** A block of a prompt takes 25 bytes at least, so a body of these never has more than the million that are noted. */
const BODY_BYTES = 24_000_000;
/** Betas are the same for all requests of a run. */
const PROMPT_SEED = 0n;
/** Nobody but the owner of the ids could choose them to collide. */
const zeroBytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);
