import type { BatchProgress, RunProgress } from '@batchwright/client';

/** What happened between two looks at a run. */
export type ProgressChange =
  | { readonly type: 'phase'; readonly phase: RunProgress['phase'] }
  | { readonly type: 'batch_sent'; readonly batch: BatchProgress; readonly id: string }
  | { readonly type: 'batch_ended'; readonly batch: BatchProgress };

/** A batch of a run that is taken up, as its journal knows it. */
export interface KnownBatch {
  readonly number: number;
  readonly isSent: boolean;
  readonly isOver: boolean;
}

/** Watches a run; memory is a few bytes a batch. */
export class ProgressWatch {
  #phase: RunProgress['phase'] | null = null;
  readonly #sent = new Set<number>();
  readonly #ended = new Set<number>();

  /** What happened before is no change. */
  know(batches: readonly KnownBatch[]): void {
    for (const { number, isSent, isOver } of batches) {
      if (isSent) this.#sent.add(number);
      if (isOver) this.#ended.add(number);
    }
  }

  /** Each change once, in the order it can have happened. */
  look(progress: RunProgress): readonly ProgressChange[] {
    const changes: ProgressChange[] = [];
    for (const batch of progress.batches) {
      const isOver = batch.state === 'ended' || batch.state === 'downloaded';
      if (batch.id !== null && !this.#sent.has(batch.number)) {
        this.#sent.add(batch.number);
        // What became of it since is told when it is over.
        changes.push({ type: 'batch_sent', batch: { ...batch, settled: 0 }, id: batch.id });
      }
      if (isOver && !this.#ended.has(batch.number)) {
        this.#ended.add(batch.number);
        changes.push({ type: 'batch_ended', batch });
      }
    }
    const phases: ProgressChange[] = progress.phase === this.#phase ? [] : [{ type: 'phase', phase: progress.phase }];
    this.#phase = progress.phase;
    // Batches are sent once it runs, and are over before anything follows that.
    return progress.phase === 'running' ? [...phases, ...changes] : [...changes, ...phases];
  }
}
