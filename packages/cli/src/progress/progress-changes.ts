import type { BatchProgress, RunProgress } from '@batchwright/client';

/** What happened between two looks at a run. */
export type ProgressChange =
  | { readonly type: 'phase'; readonly phase: RunProgress['phase'] }
  | { readonly type: 'batch_sent'; readonly batch: BatchProgress; readonly id: string }
  | { readonly type: 'batch_ended'; readonly batch: BatchProgress };

/** Watches a run; memory is a few bytes a batch. */
export class ProgressWatch {
  #phase: RunProgress['phase'] | null = null;
  readonly #sent = new Set<number>();
  readonly #ended = new Set<number>();

  /** Each change once, in the order it can have happened; what was so at the first look counts as no change of a batch. */
  look(progress: RunProgress): readonly ProgressChange[] {
    const isFirst = this.#phase === null;
    const changes: ProgressChange[] = [];
    for (const batch of progress.batches) {
      const isOver = batch.state === 'ended' || batch.state === 'downloaded';
      if (batch.id !== null && !this.#sent.has(batch.number)) {
        this.#sent.add(batch.number);
        changes.push({ type: 'batch_sent', batch, id: batch.id });
      }
      if (isOver && !this.#ended.has(batch.number)) {
        this.#ended.add(batch.number);
        changes.push({ type: 'batch_ended', batch });
      }
    }
    const phases: ProgressChange[] = progress.phase === this.#phase ? [] : [{ type: 'phase', phase: progress.phase }];
    this.#phase = progress.phase;
    if (isFirst) return phases;
    // Batches are sent once it runs, and are over before anything follows that.
    return progress.phase === 'running' ? [...phases, ...changes] : [...changes, ...phases];
  }
}
