/** The farthest apart that commits of a shard are, in intervals: what was answered and is not yet durable is paid again after a crash. */
const MOST_INTERVALS = 5;
/** Shards whose commits the disk takes in one interval. */
const SHARDS_AN_INTERVAL = 2;

/**
 * How far apart the commits of a shard are: an interval, and longer the more shards have results to commit, since a disk
 * does so many syncs a second whosever they are. Ten batches side by side made ten times the syncs of one for as many
 * results.
 */
export class CommitPace {
  readonly #intervalMs: number;
  #committing = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** From the beginning of a shard's commit to that of its next, in milliseconds. */
  get intervalMs(): number {
    const intervals = this.#committing / SHARDS_AN_INTERVAL;
    return this.#intervalMs * Math.min(Math.max(1, intervals), MOST_INTERVALS);
  }

  /** A shard has results to commit. */
  begin(): void {
    this.#committing++;
  }

  /** It has none any more. */
  end(): void {
    this.#committing--;
  }
}
