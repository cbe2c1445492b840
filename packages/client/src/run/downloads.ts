import type { BatchRecord } from '../journal/run-record.ts';
import type { RequestBook } from '../plan/planning.ts';
import type { BatchService } from '../service/batch-service.ts';
import { joinedBytes } from '../service/joined-bytes.ts';
import type { ByteLog } from '../store/run-store.ts';
import { Gate } from './gate.ts';
import type { RequestTable } from './request-table.ts';
import { LineCutter, readResultLine } from './result-lines.ts';
import type { ResultLogs } from './result-logs.ts';
import { BatchFaultError } from './run-errors.ts';
import type { ServiceCalls } from './service-calls.ts';

/** Downloads at once: one fills most lines already. */
const MOST_AT_ONCE = 4;
/** A file that is not what it should be is asked for this often: results appear a moment after their batch has ended. */
const MOST_TRIES = 4;
const TRY_AGAIN_MS = 2000;

/** What a download works with. */
export interface DownloadParts {
  readonly service: BatchService;
  readonly book: RequestBook;
  readonly table: RequestTable;
  readonly logs: ResultLogs;
  readonly calls: ServiceCalls;
  readonly downloading: () => void;
}

/** What came of a download; `wrong`: the lines are not those of the batch's requests; `isForeign`: some are of others. */
export type Download =
  | { readonly type: 'complete'; readonly bytes: number }
  | { readonly type: 'wrong'; readonly reason: string; readonly isForeign: boolean };

/**
 * Brings results into their logs: exactly the batch's requests, each once, or it is no download. Nothing is taken before
 * all of it is there, so that what is taken never has to be given back.
 */
export class Downloads {
  readonly #parts: DownloadParts;
  readonly #gate = new Gate(MOST_AT_ONCE);

  constructor(parts: DownloadParts) {
    this.#parts = parts;
  }

  /** Downloads all results of an ended batch; what its log has is durable then. */
  fetch(batch: BatchRecord, id: string): Promise<Download> {
    return this.#gate.through(async () => {
      const { calls, logs } = this.#parts;
      for (let tries = 1; ; tries++) {
        const download = await calls.make(async (signal) => {
          // A try before this one may have been cut off in the middle.
          await logs.empty(batch.plan.number);
          return this.#fetchOnce(batch, id, signal);
        });
        if (download.type === 'complete' || tries === MOST_TRIES) return download;
        await calls.pause(TRY_AGAIN_MS);
      }
    });
  }

  #fetchOnce(batch: BatchRecord, id: string, signal: AbortSignal): Promise<Download> {
    const { logs, service, downloading } = this.#parts;
    const { number } = batch.plan;
    return logs.use(number, async (log) => {
      const check = this.begin(batch);
      const cutter = new LineCutter();
      for await (const piece of service.results(id, signal)) {
        const wrong = await appendChecked([...cutter.cut(piece)], check, log);
        if (wrong !== null) return { type: 'wrong', reason: wrong, isForeign: check.isForeign };
        downloading();
      }
      const last = cutter.end();
      const wrong = last === null ? null : await appendChecked([last], check, log);
      const { missing, isForeign } = check;
      if (wrong !== null) return { type: 'wrong', reason: wrong, isForeign };
      if (missing > 0)
        return { type: 'wrong', reason: `${missing} of ${batch.plan.requests} results are missing`, isForeign };
      await log.sync();
      return { type: 'complete', bytes: log.size };
    });
  }

  /** A check of the results of a batch, from its first line. */
  begin(batch: BatchRecord): LineCheck {
    return new LineCheck(batch, this.#parts.book, this.#parts.table);
  }
}

/** Counts off the requests of a batch as their results come. */
export class LineCheck {
  readonly #batch: BatchRecord;
  readonly #book: RequestBook;
  readonly #table: RequestTable;
  /** A bit for each request of the run. */
  readonly #seen: Uint8Array;
  #missing: number;
  #isForeign = false;

  constructor(batch: BatchRecord, book: RequestBook, table: RequestTable) {
    this.#batch = batch;
    this.#book = book;
    this.#table = table;
    this.#seen = new Uint8Array(Math.ceil(book.count / 8));
    this.#missing = batch.plan.requests;
  }

  /** Requests whose results have not come. */
  get missing(): number {
    return this.#missing;
  }

  /** Whether a result was of a request that is not in the batch. */
  get isForeign(): boolean {
    return this.#isForeign;
  }

  /** Counts a line off; what is wrong with it, or null. */
  pass(line: Uint8Array): string | null {
    const read = readResultLine(line);
    if (read === null) return `a line is no result: ${new TextDecoder().decode(line.subarray(0, SHOWN_BYTES))}`;
    const request = this.#book.find(read.custom_id);
    if (request === -1 || !this.#table.isIn(request, this.#batch.plan.number)) {
      this.#isForeign = true;
      return `${JSON.stringify(read.custom_id)} is not in the batch that was sent`;
    }
    const bit = 1 << (request & 7);
    const byte = this.#seen[request >> 3] as number;
    if ((byte & bit) !== 0) return `${JSON.stringify(read.custom_id)} has two results`;
    this.#seen[request >> 3] = byte | bit;
    this.#missing -= 1;
    return null;
  }
}

const SHOWN_BYTES = 80;
const NEWLINE = Uint8Array.of(0x0a);

/** Appends lines that are as they should be; what is wrong with one, or null. */
export async function appendChecked(
  lines: readonly Uint8Array[],
  check: LineCheck,
  log: ByteLog,
): Promise<string | null> {
  if (lines.length === 0) return null;
  for (const line of lines) {
    const wrong = check.pass(line);
    if (wrong !== null) return wrong;
  }
  await log.append(joinedBytes(lines.flatMap((line) => [line, NEWLINE])));
  return null;
}

/** For a batch of ours whose results stay wrong. */
export function wrongResults(batch: BatchRecord, id: string, reason: string): BatchFaultError {
  return new BatchFaultError(
    `batch ${id} (batch ${batch.plan.number + 1} of the run) has other results than those of its requests: ${reason}; ` +
      'look at it on the server, and start the same again to ask for them once more',
    'wrong_results',
    id,
  );
}
