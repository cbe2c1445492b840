import { sumOfModels } from '@batchwright/core';
import type { RunProgress } from '@batchwright/client';
import { compact, compactCounted, counted, grouped, money, moneyAlike, percent, timeText } from '../output/figures.ts';

/** What is said of a run's progress, whatever it is said on: each answers words, or null where there is nothing to say. */

/** What is being read, where a run still reads. */
export interface InputProgress {
  readonly readBytes: number;
  readonly totalBytes: number | null;
}

/** Requests whose fate is settled. */
export function settledCount({ counts }: RunProgress): number {
  return counts.succeeded + counts.errored + counts.canceled + counts.expired;
}

export function failedCount({ counts }: RunProgress): number {
  return counts.errored + counts.canceled + counts.expired;
}

/** Requests in batches that were sent, and not answered. */
export function underWayCount({ batches }: RunProgress): number {
  return batches.reduce((sum, { state, requests, settled }) => {
    const isSent = state === 'in_progress' || state === 'canceling' || state === 'ended';
    return isSent ? sum + Math.max(0, requests - settled) : sum;
  }, 0);
}

/** `reading 1,200 requests (34%)`, `running 4,210 of 10,000 (42%)` */
export function headline(progress: RunProgress, input: InputProgress): string {
  const { phase, requests } = progress;
  // Nothing is known yet.
  if (requests === 0 && (phase === 'reading' || phase === 'planning')) return phase;
  switch (phase) {
    case 'reading': {
      const { readBytes, totalBytes } = input;
      const share = totalBytes === null || totalBytes === 0 ? '' : ` (${percent(readBytes, totalBytes)})`;
      return `reading ${counted(requests, 'request')}${share}`;
    }
    case 'planning':
      return `planning ${counted(requests, 'request')}`;
    case 'running': {
      const settled = settledCount(progress);
      return `running ${grouped(settled)} of ${grouped(requests)} (${percent(settled, requests)})`;
    }
    case 'writing':
      return `writing ${counted(requests, 'answer')}`;
    case 'finished':
      return `finished ${counted(requests, 'request')}`;
    default:
      return phase satisfies never;
  }
}

/** `118/s` and `about 49 s left`, as far as they are known. */
export function speedParts({ phase, resultsPerSecond, remainingMs }: RunProgress): readonly string[] {
  if (phase !== 'running') return [];
  return [
    ...(resultsPerSecond === null || resultsPerSecond <= 0 ? [] : [rateText(resultsPerSecond)]),
    ...(remainingMs === null ? [] : [`about ${timeText(remainingMs)} left`]),
  ];
}

function rateText(perSecond: number): string {
  return perSecond >= 1 ? `${compact(perSecond)}/s` : `${(perSecond * 60).toFixed(1)}/min`;
}

/** `1.2M tokens in`, `77% of them cached`, `120k out`; nothing before there are any. */
export function tokenParts({ totals }: RunProgress): readonly string[] {
  const sum = sumOfModels(totals);
  const prompts = sum.inputTokens + sum.write5mTokens + sum.write1hTokens + sum.readTokens;
  if (prompts === 0 && sum.outputTokens === 0) return [];
  return [
    `${compactCounted(prompts, 'token')} in`,
    `${percent(sum.readTokens, prompts)} from the cache`,
    `${compact(sum.outputTokens)} out`,
  ];
}

/** `$1.23 so far` and `about $2.90 in all`; of what is settled `$2.87 in all`; nothing where no model has a price. */
export function moneyParts(progress: RunProgress): readonly string[] {
  const { totals, expectedNanoUsd, requests } = progress;
  const sum = sumOfModels(totals);
  const isPriced = sum.requests > sum.unpricedRequests;
  if (requests > 0 && settledCount(progress) === requests) return isPriced ? [`${money(sum.costNanoUsd)} in all`] : [];
  const [soFar, inAll] = moneyAlike([isPriced ? sum.costNanoUsd : 0, expectedNanoUsd ?? 0]);
  return [
    ...(isPriced ? [`${soFar} so far`] : []),
    ...(expectedNanoUsd === null || expectedNanoUsd === 0 ? [] : [`about ${inAll} in all`]),
  ];
}
