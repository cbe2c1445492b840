import type { BatchId } from '@batchwright/protocol';
import type { StoredDamageError } from '../stored-damage.ts';
import type { LineMap } from './line-map.ts';

/** A disk may lose what it once had: what was verified is believed for this long. */
const BELIEF_MS = 60 * 60 * 1000;
/** Batches remembered, the latest; a forgotten one is verified again. */
const MOST_BATCHES = 10_000;

/** What is known of the results of an ended batch, as long as its files are the ones it was learnt of. */
type Knowledge =
  | { readonly type: 'mapped'; readonly identity: string; readonly map: LineMap }
  | { readonly type: 'verified'; readonly identity: string; readonly atMs: number }
  | { readonly type: 'damaged'; readonly identity: string; readonly error: StoredDamageError };

/** Remembers which results were found whole or damaged, so that neither has to be found out again at every download. */
export class FileTrust {
  readonly #known = new Map<BatchId, Knowledge>();
  readonly #now: () => number;

  /** `now` is a clock in milliseconds that never steps. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is known of files with this identity; null: nothing, or nothing that still holds. */
  of(batchId: BatchId, identity: string): Knowledge | null {
    const known = this.#known.get(batchId);
    if (known === undefined || known.identity !== identity) return null;
    return known.type === 'verified' && this.#now() - known.atMs > BELIEF_MS ? null : known;
  }

  mapped(batchId: BatchId, identity: string, map: LineMap): void {
    this.#learn(batchId, { type: 'mapped', identity, map });
  }

  verified(batchId: BatchId, identity: string): void {
    this.#learn(batchId, { type: 'verified', identity, atMs: this.#now() });
  }

  damaged(batchId: BatchId, identity: string, error: StoredDamageError): void {
    this.#learn(batchId, { type: 'damaged', identity, error });
  }

  forget(batchId: BatchId): void {
    this.#known.delete(batchId);
  }

  #learn(batchId: BatchId, knowledge: Knowledge): void {
    this.#known.delete(batchId);
    this.#known.set(batchId, knowledge);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_BATCHES && oldest !== undefined) this.#known.delete(oldest);
  }
}
