/** Takes over a full block, and resolves when the block may be overwritten. */
export type WriteBlock = (block: Uint8Array) => Promise<void>;

export interface BlockRingEvents {
  /** A block may be filled again, after there was none. */
  onRoom(): void;
  onFailure(error: unknown): void;
}

/**
 * The blocks that a body passes through: one is being filled, some are being written, the rest are free. Bytes are
 * copied in once and stay put until their block is written, so a slow disk is felt as `put` answering null.
 *
 *        put ──▶ filling ──full──▶ writing ──written──▶ free ──▶ filling
 */
export class BlockRing {
  readonly #free: Uint8Array[];
  readonly #write: WriteBlock;
  readonly #events: BlockRingEvents;
  readonly #writing = new Set<Promise<void>>();
  #filling: Uint8Array | null = null;
  #filledBytes = 0;

  constructor(blocks: readonly Uint8Array[], write: WriteBlock, events: BlockRingEvents) {
    this.#free = [...blocks];
    this.#write = write;
    this.#events = events;
  }

  /** Copies the start of `bytes` in and answers where it lies now; null when every block is being written. */
  put(bytes: Uint8Array): Uint8Array | null {
    const block = (this.#filling ??= this.#free.pop() ?? null);
    if (block === null) return null;
    const from = this.#filledBytes;
    const copied = Math.min(bytes.length, block.length - from);
    block.set(copied === bytes.length ? bytes : bytes.subarray(0, copied), from);
    this.#filledBytes += copied;
    if (this.#filledBytes === block.length) this.flush();
    return block.subarray(from, from + copied);
  }

  /** Hands over the block being filled, as far as it is filled. */
  flush(): void {
    const block = this.#filling;
    if (block === null || this.#filledBytes === 0) return;
    const bytes = this.#filledBytes;
    this.#filling = null;
    this.#filledBytes = 0;
    const writing = this.#write(bytes === block.length ? block : block.subarray(0, bytes)).then(
      () => this.#release(block),
      (error: unknown) => this.#events.onFailure(error),
    );
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }

  /** Resolves once no block is being written; failures have been reported by then. */
  async settle(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #release(block: Uint8Array): void {
    const hadRoom = this.#filling !== null || this.#free.length > 0;
    this.#free.push(block);
    if (!hadRoom) this.#events.onRoom();
  }
}
