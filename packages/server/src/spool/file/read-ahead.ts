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
/** What the windows of all bodies that are open may hold together, more or less. */
const BUDGET_BYTES = 256 * 1024 * 1024;
/** A read this far beyond a window's end still counts as going forward: it skips what lies between two params. */
const FORWARD_GAP_BYTES = 64 * 1024;

/**
 * Divides memory among the bodies that are open: with a few, each reads a megabyte at once; a thousand must not hold
 * four gigabytes. A window keeps the size it was opened with.
 */
export class ReadAheadBudget {
  #bodies = 0;

  /** Counts one more body; the function given back counts it no longer, once. */
  join(): () => void {
    this.#bodies++;
    let isIn = true;
    return () => {
      if (isIn) this.#bodies--;
      isIn = false;
    };
  }

  get sequentialBytes(): number {
    const share = BUDGET_BYTES / WINDOWS / Math.max(1, this.#bodies);
    return Math.min(SEQUENTIAL_BYTES, Math.max(SCATTERED_BYTES, Math.floor(share)));
  }
}

interface Window {
  readonly start: number;
  readonly end: number;
  /** Null while it is being read. */
  bytes: Uint8Array | null;
  readonly loaded: Promise<Uint8Array>;
}

/**
 * Reads ranges of a body through a few windows, so that somebody who reads it in order finds most ranges in memory.
 * Windows are never written again: a range handed out stays what it is for as long as its holder keeps it, and the
 * collector takes the window when the last range is gone.
 */
export class ReadAhead {
  readonly #file: SpoolFile;
  readonly #fileBytes: number;
  readonly #budget: ReadAheadBudget;
  /** Newest first. */
  #windows: readonly Window[] = [];

  constructor(file: SpoolFile, fileBytes: number, budget: ReadAheadBudget) {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#budget = budget;
  }

  /** The range when it lies in memory, else null. */
  peek(offset: number, length: number): Uint8Array | null {
    for (const window of this.#windows) {
      if (window.bytes === null || offset < window.start || offset + length > window.end) continue;
      this.#readOn(window, offset);
      return window.bytes.subarray(offset - window.start, offset - window.start + length);
    }
    return null;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length > this.#budget.sequentialBytes) return this.#load(offset, length);
    const window = this.#find(offset, length) ?? this.#open(offset, length);
    const bytes = await window.loaded;
    return bytes.subarray(offset - window.start, offset - window.start + length);
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
    const window: Window = { start, end, bytes: null, loaded: this.#load(start, end - start) };
    this.#windows = [window, ...this.#windows.slice(0, WINDOWS - 1)];
    window.loaded.then(
      (bytes) => void (window.bytes = bytes),
      // The readers waiting for it are told; a window that failed must not be found again.
      () => void (this.#windows = this.#windows.filter((other) => other !== window)),
    );
    return window;
  }

  /** How much to read for a range that no window holds: much at the beginning, little after a jump, more for going on. */
  #aheadFrom(offset: number): number {
    if (this.#windows.length === 0) return this.#budget.sequentialBytes;
    const before = this.#windows.find(({ start, end }) => offset >= start && offset <= end + FORWARD_GAP_BYTES);
    if (before === undefined) return SCATTERED_BYTES;
    return Math.min(this.#budget.sequentialBytes, GROWTH * (before.end - before.start));
  }

  async #load(offset: number, length: number): Promise<Uint8Array> {
    // Not filled with zeroes first: what is not read whole is not handed out.
    const bytes = Buffer.allocUnsafeSlow(length);
    const count = await readFully(this.#file, bytes, offset);
    if (count < length)
      throw new Error(`body ends at ${offset + count}, inside a request that goes to ${offset + length}`);
    return bytes;
  }
}
