import type { BatchEvent } from '@batchwright/client';
import { usdOf } from '@batchwright/core';
import type { Host } from '../host.ts';
import { countsText, failedOf, settledOf } from '../output/batch-words.ts';
import { liveBlock } from './live-block.ts';
import { paintFor } from './paint.ts';
import { watchFrame } from './watch-frame.ts';

/** Shows how batches stand that are being followed. */
export interface WatchDisplay {
  update(event: BatchEvent): void;
  end(): void;
}

/** How often a line about a batch is printed, where nothing but its counts has changed. */
const LINE_EVERY_MS = 10_000;

/** A block that is drawn anew on a terminal, lines in a pipe, or an event a line as JSON. */
export function watchDisplay(
  ids: readonly string[],
  { json, colour }: { readonly json: boolean; readonly colour: boolean },
  host: Host,
): WatchDisplay {
  if (json) return { update: (event) => host.out(`${JSON.stringify(eventObject(event))}\n`), end: () => undefined };
  const isDrawn = host.outIsTerminal && host.errSize() !== null && host.env['TERM'] !== 'dumb';
  return isDrawn ? drawnDisplay(ids, colour, host) : lineDisplay(host);
}

function drawnDisplay(ids: readonly string[], colour: boolean, host: Host): WatchDisplay {
  const block = liveBlock(host);
  const paint = paintFor(host, colour);
  const latest = new Map<string, BatchEvent>();
  const draw = (): void => {
    const columns = host.errSize()?.columns ?? host.columns;
    block.draw(watchFrame(ids, latest, { columns, paint, nowMs: host.now() }));
  };
  draw();
  return {
    update: (event) => {
      latest.set(event.batch.id, event);
      draw();
    },
    end: () => block.end(),
  };
}

function lineDisplay(host: Host): WatchDisplay {
  const told = new Map<string, { readonly status: string; readonly text: string; readonly atMs: number }>();
  return {
    update: ({ batch }) => {
      const { id, processing_status: status, request_counts: counts } = batch;
      const before = told.get(id);
      const text = `${id} ${status}: ${countsText(counts)}`;
      const isDue = before === undefined || before.status !== status || host.now() - before.atMs >= LINE_EVERY_MS;
      if (!isDue || before?.text === text) return;
      told.set(id, { status, text, atMs: host.now() });
      host.out(`${text}\n`);
    },
    end: () => undefined,
  };
}

/** One event, as `--json` prints it. */
export function eventObject({ batch, resultsPerSecond, eta, costNanoUsd }: BatchEvent) {
  const { id, processing_status: status, request_counts: counts } = batch;
  return {
    type: status === 'ended' ? 'ended' : 'progress',
    id,
    processing_status: status,
    request_counts: counts,
    settled: settledOf(counts),
    failed: failedOf(counts),
    results_per_second: resultsPerSecond,
    eta,
    cost_usd: costNanoUsd === null ? null : usdOf(costNanoUsd),
  };
}
