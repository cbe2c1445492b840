/**
 * Brings the two files of a results log back to agreement after a crash. A whole line was paid for, so it is kept
 * whether or not the done log got to name it; what is torn or garbage is cut; and no request is settled twice.
 *
 *     results.jsonl   ── proven ──────────┃── checked ──┃── adopted ──┃── torn ─┤ cut
 *     done.log        ── proven ──── M ───┃── row row ──┃ (rows added)┃
 *
 *   proven    before the last marker: synced before the marker was written, nothing to read
 *   checked   rows after the marker: kept while their line matches its checksum
 *   adopted   whole lines that no row names: kept when they parse and their request is not settled yet
 *
 * A kill leaves only that picture. A loss of power can also leave garbage with whole lines behind it; those are put
 * aside, durably, before the garbage is cut, and committed again like new ones (`salvage`).
 *
 * Invariant: afterwards the results are exactly the lines that the done log's rows name, and both files are synced.
 */
import { RESULT_TYPES } from '@batchwright/protocol';
import { crc32 } from 'node:zlib';
import type { SettledRequests } from '../spool.ts';
import { readResultLine } from '../result-line.ts';
import {
  doneLogHeader,
  ENTRY_BYTES,
  ENTRY_WORDS,
  isDoneLogHeader,
  putRow,
  rowAt,
  walkDoneLog,
  type DoneRow,
} from './done-log-format.ts';
import { ForwardReader } from './forward-reader.ts';
import { readWhole, writeFully, type SpoolFile } from './spool-files.ts';

const NEWLINE = 0x0a;

export interface ResultFiles {
  readonly results: SpoolFile;
  readonly done: SpoolFile;
}

export interface RecoverySources {
  /** Requests of the batch. */
  readonly count: number;
  /** Asked only when a line is there that no row names. */
  find(customId: string): Promise<number | undefined>;
  /** Keeps a line that lies behind garbage; durable once `salvaged` resolves. */
  salvage(line: Uint8Array): Promise<void>;
  salvaged(): Promise<void>;
}

export interface RecoveredResults {
  readonly settled: SettledRequests;
  /** One byte per request: 1 when settled. */
  readonly isSettled: Uint8Array;
  readonly resultsBytes: number;
  readonly doneBytes: number;
}

/** See the head of this file. */
export async function recoverResults(files: ResultFiles, sources: RecoverySources): Promise<RecoveredResults> {
  const isSettled = new Uint8Array(sources.count);
  const words = await readDoneLog(files.done);
  const fileBytes = await files.results.size();
  const walk = walkDoneLog(words, isSettled, fileBytes);
  const reader = new ForwardReader(files.results, fileBytes);
  const checked = await checkTail(walk, words, reader, isSettled);
  const adopted = await adoptLines(checked.resultsBytes, reader, sources, isSettled);
  if (adopted.salvaged) await sources.salvaged();
  const tail = [...checked.rows, ...adopted.rows];
  const doneBytes = (checked.endEntry + adopted.rows.length) * ENTRY_BYTES;
  await files.results.truncate(adopted.resultsBytes);
  await rewriteDoneLog(files.done, words.length === 0, checked.endEntry, adopted.rows);
  await Promise.all([files.results.datasync(), files.done.datasync()]);
  return { settled: settledRequests(walk, tail), isSettled, resultsBytes: adopted.resultsBytes, doneBytes };
}

/** The entries of a done log as words; none when it has no whole header. */
export async function readDoneLog(done: SpoolFile): Promise<Uint32Array> {
  const bytes = await readWhole(done);
  if (!isDoneLogHeader(bytes)) return new Uint32Array(0);
  return new Uint32Array(bytes.buffer, 0, Math.floor(bytes.length / ENTRY_BYTES) * ENTRY_WORDS);
}

async function checkTail(
  walk: { readonly provenBytes: number; readonly tailEntry: number; readonly endEntry: number },
  words: Uint32Array,
  reader: ForwardReader,
  isSettled: Uint8Array,
): Promise<{ readonly rows: readonly DoneRow[]; readonly resultsBytes: number; readonly endEntry: number }> {
  const rows: DoneRow[] = [];
  let position = walk.provenBytes;
  let entry = walk.tailEntry;
  for (; entry < walk.endEntry; entry++) {
    const row = rowAt(words, entry);
    const line = await reader.bytes(position, row.lineBytes);
    if (isSettled[row.request] === 1 || line.at(-1) !== NEWLINE || crc32(line) !== row.lineCrc) break;
    isSettled[row.request] = 1;
    rows.push(row);
    position += row.lineBytes;
  }
  return { rows, resultsBytes: position, endEntry: entry };
}

async function adoptLines(
  from: number,
  reader: ForwardReader,
  sources: RecoverySources,
  isSettled: Uint8Array,
): Promise<{ readonly rows: readonly DoneRow[]; readonly resultsBytes: number; readonly salvaged: boolean }> {
  const rows: DoneRow[] = [];
  let resultsBytes = from;
  let position = from;
  let salvaged = false;
  for (let line = await reader.line(position); line !== null; line = await reader.line(position)) {
    const row = await adoptedRow(line, sources);
    const adjacent = position === resultsBytes;
    position += line.length;
    if (row === null || isSettled[row.request] === 1) continue;
    if (!adjacent) {
      await sources.salvage(line);
      salvaged = true;
      continue;
    }
    isSettled[row.request] = 1;
    rows.push(row);
    resultsBytes = position;
  }
  return { rows, resultsBytes, salvaged };
}

async function adoptedRow(line: Uint8Array, sources: RecoverySources): Promise<DoneRow | null> {
  const parsed = readResultLine(line);
  const request = parsed === null ? undefined : await sources.find(parsed.customId);
  if (parsed === null || request === undefined) return null;
  return { request, typeCode: RESULT_TYPES.indexOf(parsed.type), lineBytes: line.length, lineCrc: crc32(line) };
}

/** Cuts the log after `endEntry` and adds rows for adopted lines; without a header it is begun afresh. */
async function rewriteDoneLog(
  done: SpoolFile,
  headless: boolean,
  endEntry: number,
  adopted: readonly DoneRow[],
): Promise<void> {
  await done.truncate(headless ? 0 : endEntry * ENTRY_BYTES);
  if (headless) await writeFully(done, doneLogHeader(), 0);
  if (adopted.length === 0) return;
  const words = new Uint32Array(adopted.length * ENTRY_WORDS);
  adopted.forEach((row, i) => putRow(words, i, row));
  await writeFully(done, new Uint8Array(words.buffer), endEntry * ENTRY_BYTES);
}

function settledRequests(proven: SettledRequests, tail: readonly DoneRow[]): SettledRequests {
  if (tail.length === 0) return { requests: proven.requests, types: proven.types };
  const requests = new Uint32Array(proven.requests.length + tail.length);
  const types = new Uint8Array(requests.length);
  requests.set(proven.requests);
  types.set(proven.types);
  tail.forEach((row, i) => {
    requests[proven.requests.length + i] = row.request;
    types[proven.requests.length + i] = row.typeCode;
  });
  return { requests, types };
}
