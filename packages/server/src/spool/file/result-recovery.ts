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
import type { RecoveryFindings, SettledRequests } from '../spool.ts';
import { readResultLine } from '../result-line.ts';
import {
  doneLogHeader,
  ENTRY_BYTES,
  ENTRY_WORDS,
  foreignVersion,
  isDoneLogHeader,
  putRow,
  rowAt,
  walkDoneLog,
  type DoneLogWalk,
  type DoneRow,
} from './done-log-format.ts';
import { ForwardReader } from './forward-reader.ts';
import { LineMap } from './line-map.ts';
import { rewritePages } from './rewrite-pages.ts';
import { readWhole, writeFully, type SpoolFile } from './spool-files.ts';

const NEWLINE = 0x0a;

export interface ResultFiles {
  readonly results: SpoolFile;
  readonly done: SpoolFile;
}

export interface RecoverySources {
  /** Requests of the batch. */
  readonly count: number;
  /** A recovery before this one failed, and with it perhaps a sync: what is not proven is written again, and then synced. */
  readonly isSuspect: boolean;
  /** Asked only when a line is there that no row names. */
  find(customId: string): Promise<number | undefined>;
  /** Keeps a line that lies behind garbage; durable once `salvaged` resolves. */
  salvage(line: Uint8Array): Promise<void>;
  salvaged(): Promise<void>;
}

export interface RecoveredResults {
  readonly settled: SettledRequests;
  readonly findings: RecoveryFindings;
  /** Nothing was ever committed, as far as the done log tells. */
  readonly wasEmpty: boolean;
  /** One byte per request: 1 when settled. */
  readonly isSettled: Uint8Array;
  readonly resultsBytes: number;
  readonly doneBytes: number;
  readonly lineMap: LineMap;
}

/** See the head of this file. */
export async function recoverResults(files: ResultFiles, sources: RecoverySources): Promise<RecoveredResults> {
  const isSettled = new Uint8Array(sources.count);
  const words = await readDoneLog(files.done);
  const fileBytes = await files.results.size();
  const walk = walkDoneLog(words, isSettled, fileBytes);
  const taking = new Taking(new ForwardReader(files.results, fileBytes), sources, isSettled, walk);
  await taking.checkTail(words);
  const endEntry = taking.isAdjacent ? walk.endEntry : walk.tailEntry + taking.rows.length;
  const adopted = await taking.adoptLines();
  if (taking.salvaged > 0) await sources.salvaged();
  const doneBytes = (endEntry + adopted.length) * ENTRY_BYTES;
  const found = { resultsBytes: taking.resultsBytes, doneBytes, isHeadless: words.length === 0, endEntry, adopted };
  // A header that a loss of power garbled is as long as a whole one.
  const isNamed = words.length > 0 && doneBytes === (await files.done.size()) && adopted.length === 0;
  const wasRight = isNamed && taking.resultsBytes === fileBytes;
  if (!wasRight) await cutAndName(files, found);
  if (sources.isSuspect) {
    await rewritePages(files.results, walk.provenBytes, taking.resultsBytes);
    await rewritePages(files.done, (walk.tailEntry - 1) * ENTRY_BYTES, doneBytes);
  }
  // What a marker proves was synced before; the rest is as durable as a kill left it.
  const isProven = wasRight && taking.rows.length === 0 && !sources.isSuspect;
  if (!isProven) await Promise.all([files.results.datasync(), files.done.datasync()]);
  return {
    settled: settledRequests(walk, taking.rows),
    findings: { lost: walk.lostRows + taking.lost, adopted: adopted.length + taking.salvaged },
    wasEmpty: walk.requests.length + taking.rows.length === 0,
    isSettled,
    resultsBytes: taking.resultsBytes,
    doneBytes,
    lineMap: new LineMap(walk),
  };
}

/** The entries of a done log as words; none when it has no whole header. One of another version is left alone. */
export async function readDoneLog(done: SpoolFile): Promise<Uint32Array> {
  const bytes = await readWhole(done);
  const version = foreignVersion(bytes);
  if (version !== null) {
    throw new Error(
      `its done.log has version ${version}, which this Batchwright does not know; run the one that wrote it`,
    );
  }
  if (!isDoneLogHeader(bytes)) return new Uint32Array(0);
  return new Uint32Array(bytes.buffer, 0, Math.floor(bytes.length / ENTRY_BYTES) * ENTRY_WORDS);
}

/** Takes up what lies behind the proven part, line by line. */
class Taking {
  /** Rows of lines that are kept where they are, in order. */
  readonly rows: DoneRow[] = [];
  resultsBytes: number;
  /** Lines put aside, since something is cut before them. */
  salvaged = 0;
  /** Lines that a row names and that are not as it says. */
  lost = 0;
  readonly #reader: ForwardReader;
  readonly #sources: RecoverySources;
  readonly #isSettled: Uint8Array;
  readonly #walk: DoneLogWalk;
  #position: number;

  constructor(reader: ForwardReader, sources: RecoverySources, isSettled: Uint8Array, walk: DoneLogWalk) {
    this.#reader = reader;
    this.#sources = sources;
    this.#isSettled = isSettled;
    this.#walk = walk;
    this.resultsBytes = walk.provenBytes;
    this.#position = walk.provenBytes;
  }

  /** Nothing is to be cut between the lines that are kept and the next one. */
  get isAdjacent(): boolean {
    return this.#position === this.resultsBytes;
  }

  /** Lines that a row names: whole when they match its checksum, and else never taken for another's, whatever they say. */
  async checkTail(words: Uint32Array): Promise<void> {
    for (let entry = this.#walk.tailEntry; entry < this.#walk.endEntry; entry++) {
      const row = rowAt(words, entry);
      const line = await this.#reader.bytes(this.#position, row.lineBytes);
      const isWhole = line.at(-1) === NEWLINE && crc32(line) === row.lineCrc;
      const isKept = isWhole && this.#isSettled[row.request] === 0;
      if (!isWhole) this.lost++;
      await this.#take(isKept ? row : null, line, this.rows);
    }
  }

  /** Whole lines that no row names. */
  async adoptLines(): Promise<readonly DoneRow[]> {
    const adopted: DoneRow[] = [];
    for (let line = await this.#nextLine(); line !== null; line = await this.#nextLine()) {
      const row = await adoptedRow(line, this.#sources);
      const isKept = row !== null && this.#isSettled[row.request] === 0;
      await this.#take(isKept ? row : null, line, adopted);
    }
    for (const row of adopted) this.rows.push(row);
    return adopted;
  }

  #nextLine(): Promise<Uint8Array | null> {
    return this.#reader.line(this.#position);
  }

  async #take(row: DoneRow | null, line: Uint8Array, kept: DoneRow[]): Promise<void> {
    const isAdjacent = this.isAdjacent;
    this.#position += line.length;
    if (row === null) return;
    if (!isAdjacent) {
      await this.#sources.salvage(line);
      this.salvaged++;
      return;
    }
    this.#isSettled[row.request] = 1;
    kept.push(row);
    this.resultsBytes = this.#position;
  }
}

async function adoptedRow(line: Uint8Array, sources: RecoverySources): Promise<DoneRow | null> {
  const parsed = readResultLine(line);
  const request = parsed === null ? undefined : await sources.find(parsed.customId);
  if (parsed === null || request === undefined) return null;
  return { request, typeCode: RESULT_TYPES.indexOf(parsed.type), lineBytes: line.length, lineCrc: crc32(line) };
}

/** What the two files are to hold: the done log its first `endEntry` entries, and rows for adopted lines behind them. */
interface Agreement {
  readonly resultsBytes: number;
  readonly isHeadless: boolean;
  readonly endEntry: number;
  readonly adopted: readonly DoneRow[];
}

async function cutAndName(
  files: ResultFiles,
  { resultsBytes, isHeadless, endEntry, adopted }: Agreement,
): Promise<void> {
  const { results, done } = files;
  await results.truncate(resultsBytes);
  await done.truncate(isHeadless ? 0 : endEntry * ENTRY_BYTES);
  if (isHeadless) await writeFully(done, doneLogHeader(), 0);
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
