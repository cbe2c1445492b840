import type { RunProgress } from '@batchwright/client';
import { counted, grouped } from '../output/figures.ts';
import type { ProgressChange } from './progress-changes.ts';
import { failedCount, headline, moneyParts, speedParts, tokenParts, type InputProgress } from './progress-figures.ts';

/** How far a run is, on one plain line. */
export function progressLine(progress: RunProgress, input: InputProgress): string {
  const failed = failedCount(progress);
  const parts = [
    headline(progress, input),
    ...(failed === 0 ? [] : [`${grouped(failed)} failed`]),
    ...speedParts(progress),
    ...tokenParts(progress),
    ...moneyParts(progress),
    ...(progress.waitingFor === null ? [] : [progress.waitingFor]),
  ];
  return parts.join(', ');
}

/** What happened, on one plain line. */
export function changeLine(change: ProgressChange, progress: RunProgress, input: InputProgress): string {
  switch (change.type) {
    case 'phase':
      return progressLine(progress, input);
    case 'batch_sent':
      return `batch ${change.batch.number + 1} sent: ${change.id}, ${counted(change.batch.requests, 'request')}`;
    case 'batch_ended': {
      const { number, settled, requests } = change.batch;
      return `batch ${number + 1} over: ${grouped(settled)} of ${grouped(requests)} answered`;
    }
    default:
      return change satisfies never;
  }
}
