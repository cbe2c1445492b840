import assert from 'node:assert/strict';
import { readFully, type SpoolFile } from './spool-files.ts';

/** Bytes read at once for a reader that goes forward. */
const SEQUENTIAL_BYTES = 1024 * 1024;
/**
 * Bytes read at once for a reader that jumps. Small, since what was read stays in memory for as long as one request in
 * it is in flight: hundreds of jumping requests must not hold a megabyte each. Who goes on from there gets more each time.
 */
const SCATTERED_BYTES = 16 * 1024;
const GROWTH = 4;
/** What two windows of a reader that goes forward share, so that a range on the border lies whole in one of them. */
const OVERLAP_BYTES = 64 * 1024;
/** Windows kept at hand per body. */
const WINDOWS = 4;
/**
 * What the windows of all bodies that are open may hold together, more or less. Three bodies have a megabyte a window; ten,
 * which had as much once, took 36 MB more than one, a third of a reading of less.
 */
const BUDGET_BYTES = 12 * 1024 * 1024;
/** A read this far beyond a window's end still counts as going forward: it skips what lies between two params. */
const FORWARD_GAP_BYTES = 64 * 1024;

/** Windows of full size kept for the next reader: what the kernel has yet to make pages of costs more than to read into it. */
const SPARE_WINDOWS = 4;

/**
 * Divides memory among the bodies that are open: with a few, each reads a megabyte at once; a thousand must not hold
 * four gigabytes, and get by with what a jump reads. A window keeps the size it was opened with.
 */
export class ReadAheadBudget {
  #bodies = 0;
  #spares: Buffer[] = [];

  /** Counts one more body; the function given back counts it no longer, once. */
  join(): () => void {
    this.#bodies++;
    let isIn = true;
    return () => {
      if (isIn) this.#bodies--;
      isIn = false;
      if (this.#bodies === 0) this.#spares = [];
    };
  }

  /** Memory to read into. Not filled with zeroes: what is not read whole must not be handed out. */
  memory(bytes: number): Buffer {
    return (bytes === SEQUENTIAL_BYTES ? this.#spares.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Nobody will look at this memory again. */
  spare(memory: Buffer): void {
    const isOfUse = memory.length === SEQUENTIAL_BYTES && this.#bodies > 0 && this.#spares.length < SPARE_WINDOWS;
    if (isOfUse) this.#spares.push(memory);
  }

  get sequentialBytes(): number {
    const share = BUDGET_BYTES / WINDOWS / Math.max(1, this.#bodies);
    return Math.min(SEQUENTIAL_BYTES, Math.max(SCATTERED_BYTES, Math.floor(share)));
  }
}

interface Window {
  readonly start: number;
  readonly end: number;
  /** Null while it is being read, for ever if that failed, and again once its memory was given away. */
  bytes: Buffer | null;
  readonly loaded: Promise<Buffer>;
  /** Ranges of it that are out, those that wait for it among them. */
  lent: number;
  /** New ranges may be found in it. */
  isOpen: boolean;
}

/**
 * Reads ranges of a body through a few windows, so that somebody who reads it in order finds most ranges in memory.
 *
 * Invariant: a range handed out stays what it is until it is released. A window is written again only when it is closed to
 * new ranges and every one of its ranges was released; where one never is, the collector takes the window with it.
 */
export class ReadAhead {
  readonly #file: SpoolFile;
  readonly #fileBytes: number;
  readonly #budget: ReadAheadBudget;
  /** Newest first. */
  #windows: readonly Window[] = [];
  /** By their memory, closed ones too for as long as anybody holds a range of them. */
  readonly #windowsByMemory = new WeakMap<ArrayBufferLike, Window>();

  constructor(file: SpoolFile, fileBytes: number, budget: ReadAheadBudget) {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#budget = budget;
  }

  /** The range when it lies in memory, else null. */
  peek(offset: number, length: number): Uint8Array | null {
    for (const window of this.#windows) {
      if (window.bytes === null || offset < window.start || offset + length > window.end) continue;
      // Lent before more is read: that may close this very window, the oldest, and its memory would serve another.
      window.lent++;
      this.#readOn(window, offset);
      return window.bytes.subarray(offset - window.start, offset - window.start + length);
    }
    return null;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length > this.#budget.sequentialBytes) return this.#load(offset, length);
    const window = this.#find(offset, length) ?? this.#open(offset, length);
    window.lent++;
    const bytes = await window.loaded;
    return bytes.subarray(offset - window.start, offset - window.start + length);
  }

  /** Takes back a range that was handed out, once. Nobody may look at it from here on. */
  release(range: Uint8Array): void {
    const window = this.#windowsByMemory.get(range.buffer);
    if (window === undefined) return;
    window.lent--;
    assert(window.lent >= 0, 'a range was released twice');
    this.#reuse(window);
  }

  #find(offset: number, length: number): Window | undefined {
    return this.#windows.find((window) => offset >= window.start && offset + length <= window.end);
  }

  /** Who is past the middle of a large window finds the next one read when it gets there. */
  #readOn({ start, end }: Window, offset: number): void {
    const isFarEnough = end - start > GROWTH * OVERLAP_BYTES && offset > (start + end) / 2 && end < this.#fileBytes;
    if (!isFarEnough || this.#windows.some((other) => other.end > end && other.start <= end)) return;
    this.#openFrom(end - OVERLAP_BYTES, this.#budget.sequentialBytes);
  }

  #open(offset: number, length: number): Window {
    return this.#openFrom(offset, Math.max(length, this.#aheadFrom(offset)));
  }

  #openFrom(start: number, bytes: number): Window {
    const end = Math.min(start + bytes, this.#fileBytes);
    const window: Window = { start, end, bytes: null, loaded: this.#load(start, end - start), lent: 0, isOpen: true };
    const oldest = this.#windows[WINDOWS - 1];
    this.#windows = [window, ...this.#windows.slice(0, WINDOWS - 1)];
    if (oldest !== undefined) this.#close(oldest);
    window.loaded.then(
      (bytes) => this.#loaded(window, bytes),
      // The readers waiting for it are told; a window that failed must not be found again.
      () => void (this.#windows = this.#windows.filter((other) => other !== window)),
    );
    return window;
  }

  #loaded(window: Window, bytes: Buffer): void {
    window.bytes = bytes;
    this.#windowsByMemory.set(bytes.buffer, window);
    this.#reuse(window);
  }

  #close(window: Window): void {
    window.isOpen = false;
    this.#reuse(window);
  }

  #reuse(window: Window): void {
    if (window.isOpen || window.lent > 0 || window.bytes === null) return;
    this.#windowsByMemory.delete(window.bytes.buffer);
    this.#budget.spare(window.bytes);
    window.bytes = null;
  }

  /** How much to read for a range that no window holds: much at the beginning, little after a jump, more for going on. */
  #aheadFrom(offset: number): number {
    if (this.#windows.length === 0) return this.#budget.sequentialBytes;
    const before = this.#windows.find(({ start, end }) => offset >= start && offset <= end + FORWARD_GAP_BYTES);
    if (before === undefined) return SCATTERED_BYTES;
    return Math.min(this.#budget.sequentialBytes, GROWTH * (before.end - before.start));
  }

  async #load(offset: number, length: number): Promise<Buffer> {
    const bytes = this.#budget.memory(length);
    const count = await readFully(this.#file, bytes, offset);
    if (count < length)
      throw new Error(`body ends at ${offset + count}, inside a request that goes to ${offset + length}`);
    return bytes;
  }
}
