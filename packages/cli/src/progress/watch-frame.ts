import type { BatchEvent } from '@batchwright/client';
import { failedOf, requestsOf, settledOf } from '../output/batch-words.ts';
import { compact, grouped, money, percent, timeText } from '../output/figures.ts';
import { clipped, flowed } from './flowed-text.ts';
import type { Paint } from './paint.ts';
import { stackedBar } from './progress-bar.ts';

/** What a frame is drawn on, and when. */
export interface FrameView {
  readonly columns: number;
  readonly paint: Paint;
  readonly nowMs: number;
}

/** So many batches are drawn; of more the ones that have not ended, and how many others there are. */
const MOST_BATCHES = 8;
const WIDEST = 100;
const INDENT = '  ';

/** The batches as they stand, no line wider than the terminal. */
export function watchFrame(
  ids: readonly string[],
  latest: ReadonlyMap<string, BatchEvent>,
  view: FrameView,
): readonly string[] {
  // The last column is left free: terminals differ in what they do when it is written to.
  const width = Math.max(20, Math.min(view.columns - 1, WIDEST));
  const isOver = (id: string): boolean => latest.get(id)?.batch.processing_status === 'ended';
  const ranked = ids.length <= MOST_BATCHES ? ids : [...ids.filter((id) => !isOver(id)), ...ids.filter(isOver)];
  const lines = ranked.slice(0, MOST_BATCHES).flatMap((id) => batchLines(id, latest.get(id), width, view));
  const hidden = ranked.length - MOST_BATCHES;
  if (hidden <= 0) return lines;
  return [...lines, view.paint.dim(clipped(`and ${grouped(hidden)} more; ${ids.filter(isOver).length} ended`, width))];
}

function batchLines(id: string, event: BatchEvent | undefined, width: number, view: FrameView): readonly string[] {
  const { paint } = view;
  if (event === undefined) return [clipped(`${id} …`, width)];
  const counts = event.batch.request_counts;
  const whole = requestsOf(counts);
  const room = width - INDENT.length;
  const bar = stackedBar({ succeeded: counts.succeeded, failed: failedOf(counts), underWay: 0, whole }, room, paint);
  return [
    ...flowed([paint.bold(id), statusText(event, paint)], width, ' '),
    `${INDENT}${bar}`,
    ...flowed(parts(event, whole, view), room).map((line) => `${INDENT}${line}`),
  ];
}

function statusText({ batch }: BatchEvent, paint: Paint): string {
  const { processing_status: status, request_counts: counts } = batch;
  if (status === 'canceling') return paint.yellow(status);
  if (status !== 'ended') return paint.cyan(status);
  return failedOf(counts) === 0 ? paint.green(status) : paint.red(status);
}

function parts(event: BatchEvent, whole: number, { paint, nowMs }: FrameView): readonly string[] {
  const { batch, resultsPerSecond, eta, costNanoUsd } = event;
  const counts = batch.request_counts;
  const settled = settledOf(counts);
  const isOver = batch.processing_status === 'ended';
  return [
    `${grouped(settled)} of ${grouped(whole)} (${percent(settled, whole)})`,
    ...(['errored', 'expired', 'canceled'] as const)
      .filter((kind) => counts[kind] > 0)
      .map((kind) => paint.red(`${grouped(counts[kind])} ${kind}`)),
    ...(isOver || resultsPerSecond === null || resultsPerSecond === 0 ? [] : [`${compact(resultsPerSecond)}/s`]),
    ...(isOver || eta === null ? [] : [`done in ${timeText(Math.max(0, Date.parse(eta) - nowMs))}`]),
    ...(costNanoUsd === null ? [] : [money(costNanoUsd)]),
  ];
}
