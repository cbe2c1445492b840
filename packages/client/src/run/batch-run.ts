import { assert, type Clock } from '@batchwright/core';
import type { RunRecord } from '../journal/run-record.ts';
import type { BulkRequest } from '../plan/bulk-request.ts';
import type { RunReport } from '../report/run-report.ts';
import { RunTally } from '../report/run-tally.ts';
import type { BatchService } from '../service/batch-service.ts';
import type { LogName, RunStore } from '../store/run-store.ts';
import type { BulkRun, RunEnd } from './bulk-run.ts';
import { cancelUnderWay } from './cancellation.ts';
import { resultsAsTheyCame, resultsByRequest } from './kept-results.ts';
import { News } from './news.ts';
import { openJournal, openRun, prepareRun, type OpenedRun, type OpeningParts, type Planning } from './opening.ts';
import { driveRounds } from './rounds.ts';
import type { RunJournal } from './run-journal.ts';
import type { RunProgress } from './run-progress.ts';
import type { RunSettings } from './run-settings.ts';
import { RunStatus } from './run-status.ts';
import type { SendingEnd } from './sender.ts';
import { SettledQueue } from './settled-queue.ts';
import type { SettledResult } from './settled-result.ts';
import { Strands } from './strands.ts';

/** What a run is made of. */
export interface RunParts {
  readonly requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>;
  readonly settings: RunSettings;
  readonly store: RunStore;
  readonly planning: Planning;
  readonly connect: (signal: AbortSignal) => Promise<BatchService>;
  /** Aborted: the run is left where it is. */
  readonly signal: AbortSignal | null;
  readonly random: () => number;
}

/** Why everything under way is aborted when a run is left: no failure. */
class Left extends Error {
  override readonly name = 'Left';
}

/** A run of batches: opens it, drives it, and tells how it went. */
export class BatchRun implements BulkRun {
  readonly #parts: RunParts;
  readonly #clock: Clock;
  readonly #status: RunStatus;
  readonly #strands = new Strands();
  readonly #news = new News();
  readonly #leave = (): void => this.#strands.stop.stop(new Left());
  #journal: RunJournal | null = null;
  #opened: OpenedRun | null = null;
  #driving: Promise<RunEnd> | null = null;
  #end: RunEnd | null = null;
  #queue: SettledQueue | null = null;
  #isCancelAsked = false;
  #isClosed = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    const { clock, onProgress } = parts.settings;
    this.#clock = clock;
    this.#status = new RunStatus(clock, onProgress === null ? null : () => onProgress(this.progress));
  }

  get progress(): RunProgress {
    const { state, tally } = this.#opened ?? { state: null, tally: null };
    return this.#status.progress(this.#journal?.record ?? null, state?.table ?? null, tally?.totals ?? new Map());
  }

  settle(): Promise<RunEnd> {
    this.#driving ??= this.#drive();
    return this.#driving;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SettledResult> {
    assert(this.#queue === null, () => 'a run can be iterated once; its results can be read again');
    const queue = new SettledQueue();
    this.#queue = queue;
    this.#queueSettled(queue);
    const driving = this.settle();
    driving.catch(() => undefined);
    if (this.#end !== null) queue.end();
    try {
      for (let request = await queue.take(); request !== null; request = await queue.take()) {
        const result = await this.#untold(request);
        if (result !== null) yield result;
      }
    } finally {
      // Whoever iterates no further wants no more to be done; where all is done already, this does nothing.
      if (this.#end === null) this.#leave();
      await driving;
    }
  }

  results(order: 'input' | 'arrival'): AsyncIterable<SettledResult> {
    const { state } = this.#settled();
    return order === 'input' ? resultsByRequest(state) : resultsAsTheyCame(state);
  }

  async finish(): Promise<void> {
    const { state } = this.#settled();
    const { requests, counts, rejected } = this.#report();
    await state.journal.note({ type: 'finished', counts: { requests, ...counts, rejected } });
    await this.#release();
    await this.#removeLogs(state.journal.record);
    this.#status.enter('finished');
    this.#parts.settings.reached('finished');
  }

  async cancel(): Promise<void> {
    this.#isCancelAsked = true;
    const opened = this.#opened;
    // One that is not open yet cancels itself as soon as it is.
    if (opened === null) await this.settle();
    else if (this.#end === null) await cancel(opened);
  }

  async close(): Promise<void> {
    this.#leave();
    // How it went is told to whoever drove it.
    await this.#driving?.catch(() => undefined);
    await this.#release();
  }

  async #drive(): Promise<RunEnd> {
    const { signal } = this.#parts;
    signal?.addEventListener('abort', this.#leave);
    if (signal?.aborted === true) this.#leave();
    try {
      this.#end = await this.#run();
      return this.#end;
    } catch (error) {
      if (!(this.#strands.stop.reason instanceof Left)) throw error;
      this.#end = { type: 'left', report: this.#report() };
      return this.#end;
    } finally {
      signal?.removeEventListener('abort', this.#leave);
      this.#queue?.end();
      this.#status.close();
    }
  }

  async #run(): Promise<RunEnd> {
    this.#strands.stop.throwIfStopped();
    const opening = this.#opening();
    const journal = await openJournal(opening);
    this.#journal = journal;
    const { finishedAtMs, finalCounts: counts, canReopen } = journal.record;
    if (finishedAtMs !== null && !(canReopen && this.#parts.settings.retryFailed)) {
      // A crash may have come between the note that it was finished and this.
      await this.#removeLogs(journal.record);
      this.#status.enter('finished');
      return { type: 'already_finished', atMs: finishedAtMs, counts };
    }
    const opened = await openRun(opening, journal);
    this.#opened = opened;
    await prepareRun(opened.state);
    this.#status.enter('running');
    if (this.#isCancelAsked) await cancel(opened);
    return this.#endOf(await driveRounds(opened.state, this.#strands));
  }

  #endOf(end: SendingEnd): RunEnd {
    switch (end.type) {
      case 'over':
        this.#parts.settings.reached('settled');
        this.#status.enter('writing');
        return { type: 'settled', report: this.#report() };
      case 'detached':
        return { type: 'left', report: this.#report() };
      case 'over_budget':
        return { ...end, report: this.#report() };
      default:
        return end satisfies never;
    }
  }

  #opening(): OpeningParts {
    return {
      ...this.#parts,
      status: this.#status,
      news: this.#news,
      stop: this.#strands.stop,
      settled: (request) => this.#queue?.push(request),
    };
  }

  /** What was settled before anybody iterated. */
  #queueSettled(queue: SettledQueue): void {
    const table = this.#opened?.state.table;
    if (table === undefined) return;
    for (let request = 0; request < table.count; request++) if (table.isSettled(request)) queue.push(request);
  }

  async #untold(request: number): Promise<SettledResult | null> {
    const state = this.#opened?.state;
    return state !== undefined && state.table.tell(request) ? state.intake.resultOf(request) : null;
  }

  #report(): RunReport {
    const { settings } = this.#parts;
    const record = this.#journal?.record ?? null;
    const tally = this.#opened?.tally ?? new RunTally({ models: settings.models, hasDiscount: true });
    const sent = (record?.batches ?? []).filter(({ state }) => 'id' in state);
    return tally.report({
      requests: this.progress.requests,
      batches: sent.length,
      waves: new Set(sent.map(({ round, generation, plan }) => `${round} ${generation} ${plan.wave}`)).size,
      startedAtMs: record?.begun?.atMs ?? this.#clock.now(),
      nowMs: this.#clock.now(),
    });
  }

  #settled(): OpenedRun {
    const isSettled = this.#end?.type === 'settled' && !this.#isClosed;
    assert(
      isSettled && this.#opened !== null,
      () => 'a run has results when it has settled, until it is finished or closed',
    );
    return this.#opened;
  }

  async #release(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#opened?.state.logs.close();
    await this.#opened?.state.book.close();
  }

  async #removeLogs({ batches, canReopen }: RunRecord): Promise<void> {
    if (canReopen) return;
    const { store } = this.#parts;
    const ofBatches = batches.flatMap(({ plan }): LogName[] => [`batch-${plan.number}`, `results-${plan.number}`]);
    for (const name of ['requests', ...ofBatches] as const) await store.removeLog(name);
  }
}

/** Notes that nothing more is sent, and asks the server to cancel what was. */
async function cancel({ state }: OpenedRun): Promise<void> {
  if (!state.journal.record.isCanceled) await state.journal.note({ type: 'canceled' });
  await cancelUnderWay(state);
}
