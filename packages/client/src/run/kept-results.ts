import type { RequestTable } from './request-table.ts';
import { LineCutter, readResultLine } from './result-lines.ts';
import type { RunState } from './run-state.ts';
import type { SettledResult } from './settled-result.ts';

const BLOCK_BYTES = 256 * 1024;
/** Results held at once to be put in the order of their requests. */
const WINDOW_RESULTS = 1024;
const WINDOW_BYTES = 8 * 1024 * 1024;

/** All final results, from their logs: batch by batch, as they came. */
export async function* resultsAsTheyCame({
  journal,
  logs,
  book,
  table,
  intake,
}: RunState): AsyncGenerator<SettledResult> {
  for (const { plan, state } of journal.record.batches) {
    if (state.type !== 'downloaded') continue;
    const cutter = new LineCutter();
    let lineAt = 0;
    for (let at = 0; at < state.bytes; at += BLOCK_BYTES) {
      const block = await logs.use(plan.number, (log) => log.read(at, Math.min(BLOCK_BYTES, state.bytes - at)));
      for (const line of cutter.cut(block)) {
        const customId = readResultLine(line)?.custom_id;
        const request = customId === undefined ? -1 : book.find(customId);
        if (request !== -1 && isLastWord(table, request, plan.number, lineAt))
          yield await intake.resultFrom(request, line);
        lineAt += line.length + 1;
      }
    }
  }
}

/** All final results, from their logs: in the order of the requests. */
export async function* resultsByRequest({ table, intake }: RunState): AsyncGenerator<SettledResult> {
  for (let from = 0; from < table.count;) {
    const window: number[] = [];
    for (let bytes = 0; from < table.count && window.length < WINDOW_RESULTS && bytes < WINDOW_BYTES; from++) {
      if (!table.isSettled(from)) continue;
      bytes += table.place(from)?.bytes ?? 0;
      window.push(from);
    }
    const found = new Map<number, SettledResult>();
    // Read in the order in which they lie, which is seldom that of the requests.
    for (const request of window.toSorted((a, b) => byPlace(table, a, b))) {
      const result = await intake.resultOf(request);
      if (result !== null) found.set(request, result);
    }
    for (const request of window) {
      const result = found.get(request);
      if (result !== undefined) yield result;
    }
  }
}

/** A request that was tried several times has several lines. */
function isLastWord(table: RequestTable, request: number, batch: number, offset: number): boolean {
  const place = table.place(request);
  return table.isSettled(request) && place?.batch === batch && place.offset === offset;
}

function byPlace(table: RequestTable, a: number, b: number): number {
  const [one, other] = [table.place(a), table.place(b)];
  if (one === null || other === null) return a - b;
  return one.batch - other.batch || one.offset - other.offset;
}
