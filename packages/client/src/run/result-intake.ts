import { assert } from '@batchwright/core';
import type { BatchRecord, RunRecord } from '../journal/run-record.ts';
import type { RequestBook } from '../plan/planning.ts';
import type { RunTally } from '../report/run-tally.ts';
import { callsForRetry } from './failure-class.ts';
import type { RequestTable, ResultPlace } from './request-table.ts';
import { LineCutter, readResultLine } from './result-lines.ts';
import type { ResultLogs } from './result-logs.ts';
import type { Verdict } from './run-options.ts';
import type { RunSettings } from './run-settings.ts';
import type { SettledResult } from './settled-result.ts';

const BLOCK_BYTES = 256 * 1024;
const ACCEPTED: Verdict = { type: 'accepted' };

/** What an intake works with. */
export interface IntakeParts {
  readonly settings: Pick<RunSettings, 'attempts' | 'judge' | 'retry'>;
  readonly record: RunRecord;
  readonly book: RequestBook;
  readonly table: RequestTable;
  readonly logs: ResultLogs;
  readonly tally: RunTally;
  /** Told of each request whose fate is settled. */
  readonly settled: (request: number) => void;
}

/**
 * Takes results that are in their logs: counts what they cost, keeps the best of each request, and decides whether it is
 * tried again. Results of one request are taken in the order of their batches, so that a run that is taken up, and takes
 * all of them again, decides everything as before.
 */
export class ResultIntake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Takes what lies in a batch's log up to `bytes`. */
  async takeAll(batch: BatchRecord, bytes: number): Promise<void> {
    const { number } = batch.plan;
    await this.#parts.logs.use(number, async (log) => {
      if (log.size < bytes)
        throw new Error(`results-${number} has ${log.size} bytes of the ${bytes} that were downloaded`);
      const cutter = new LineCutter();
      let lineAt = 0;
      for (let at = 0; at < bytes; at += BLOCK_BYTES) {
        for (const line of cutter.cut(await log.read(at, Math.min(BLOCK_BYTES, bytes - at)))) {
          const taken = this.take(batch, line, lineAt);
          if (taken !== null) await taken;
          lineAt += line.length + 1;
        }
      }
    });
  }

  /** Takes one line, which is ours and lies at `offset` of its batch's log; null: it is done already. */
  take(batch: BatchRecord, line: Uint8Array, offset: number): Promise<void> | null {
    const { book, table, tally, settings } = this.#parts;
    const read = readResultLine(line);
    const request = read === null ? -1 : book.find(read.custom_id);
    assert(read !== null && request !== -1, () => `a line at ${offset} of results-${batch.plan.number} is not ours`);
    const { state } = batch;
    assert('createdAtMs' in state, () => `results of batch ${batch.plan.number}, which was not sent`);
    tally.addAnswer(read.result, state.createdAtMs);
    table.countAttempt(request, batch.isPast);
    const result: SettledResult = {
      customId: read.custom_id,
      request,
      result: read.result,
      line,
      attempts: table.attempts(request),
      rejection: null,
    };
    const place = { batch: batch.plan.number, offset, bytes: line.length };
    if (settings.judge === null || read.result.type !== 'succeeded')
      return this.#decide(result, ACCEPTED, place, batch);
    return this.#judge(result).then(async (verdict) => {
      await this.#decide(result, verdict, place, batch);
    });
  }

  /** What finally became of a request, from its log; null: it has no result. */
  async resultOf(request: number): Promise<SettledResult | null> {
    const { logs, table } = this.#parts;
    const place = table.place(request);
    return place === null ? null : this.resultFrom(request, await logs.read(place));
  }

  /** What finally became of a request, from its line. */
  async resultFrom(request: number, line: Uint8Array): Promise<SettledResult> {
    const { table } = this.#parts;
    const read = readResultLine(line);
    assert(read !== null, () => `the result of request ${request} is not what it was`);
    const { custom_id: customId, result } = read;
    const settled = { customId, request, result, line, attempts: table.attempts(request), rejection: null };
    if (!table.isRejected(request)) return settled;
    const verdict = await this.#judge(settled);
    return { ...settled, rejection: verdict.type === 'rejected' ? verdict.reason : null };
  }

  /** Makes the best result of a request the last word. */
  async settle(request: number): Promise<void> {
    const result = await this.resultOf(request);
    assert(result !== null, () => `request ${request} is settled without a result`);
    this.#settle(result);
  }

  #decide(result: SettledResult, verdict: Verdict, place: ResultPlace, { isPast }: BatchRecord): Promise<void> | null {
    const { record, table, settings } = this.#parts;
    const { request } = result;
    const isRejected = verdict.type === 'rejected';
    table.offer(request, result.result.type, isRejected, place);
    const mayTry = (isPast || table.tries(request) < settings.attempts) && !record.isCanceled;
    const newParams = verdict.type === 'rejected' && !table.wasAskedAgain(request) && mayTry ? verdict.params : null;
    if (newParams !== null) table.markAskedAgain(request);
    // A run that is taken up comes by results whose requests were put into another batch long ago.
    if (!table.isIn(request, place.batch)) return null;
    if (newParams !== null) return this.#askAgain(request, result.customId, newParams);
    // What a run was reopened for is whatever did not come to a good end.
    if (mayTry && (isPast ? table.rank(request) < 2 : callsForRetry(result.result, settings.retry))) {
      table.retry(request);
      return null;
    }
    return this.#settleLatest(result, verdict, place);
  }

  /** Most often the last result is the best, and need not be read again. */
  #settleLatest(result: SettledResult, verdict: Verdict, place: ResultPlace): Promise<void> | null {
    const { request } = result;
    if (this.#parts.table.place(request)?.batch !== place.batch) return this.settle(request);
    this.#settle({ ...result, rejection: verdict.type === 'rejected' ? verdict.reason : null });
    return null;
  }

  #settle(result: SettledResult): void {
    const { table, tally, settled } = this.#parts;
    table.settle(result.request);
    tally.addSettled(result);
    settled(result.request);
  }

  async #askAgain(request: number, customId: string, params: Readonly<Record<string, unknown>>): Promise<void> {
    const { book, table } = this.#parts;
    // It was, when the run was left between then and the next plan; and what was judged now was asked with other params.
    if (!book.isReplaced(request)) {
      await book.replace(request, new TextEncoder().encode(JSON.stringify({ custom_id: customId, params })));
    }
    table.retry(request);
  }

  async #judge(result: SettledResult): Promise<Verdict> {
    const { settings, book } = this.#parts;
    const params = async (): Promise<Readonly<Record<string, unknown>>> => {
      const line = new TextDecoder().decode(await book.line(result.request));
      return (JSON.parse(line) as { readonly params: Readonly<Record<string, unknown>> }).params;
    };
    return (await settings.judge?.(result, params)) ?? ACCEPTED;
  }
}
