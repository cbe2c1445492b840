import assert from 'node:assert/strict';
import { RESULT_TYPES } from '@batchwright/protocol';
import { crc32 } from 'node:zlib';
import { checkChunk } from '../result-chunk.ts';
import type { RecoveryFindings, ResultChunk, ResultLog, SettledRequests } from '../spool.ts';
import { spoolFailure } from '../spool-failure.ts';
import { ENTRY_WORDS, putMarker, putRow } from './done-log-format.ts';
import type { LineMap } from './line-map.ts';
import type { RecoveredResults, ResultFiles } from './result-recovery.ts';
import { rewritePages } from './rewrite-pages.ts';
import { writeFully } from './spool-files.ts';

/**
 * What is known of the two files. `unwritten`: a write failed, so bytes may lie beyond the good lengths. `unsynced`: a
 * sync failed; the kernel may have dropped pages and called them clean, so that a second sync on the same descriptor
 * would succeed and prove nothing. Both are mended before the next commit writes.
 */
type Condition = 'good' | 'unwritten' | 'unsynced';

/**
 * Appends results of one batch. A commit writes the lines, then the entries that name them, then syncs both files at
 * once; the good lengths move only after that.
 *
 * Invariant: up to the good lengths, both files are durable and agree; a commit that rejects changed nothing.
 */
export class FileResultLog implements ResultLog {
  readonly settled: SettledRequests;
  readonly findings: RecoveryFindings;
  readonly epoch: number;
  /** Where its lines lie, for readers. */
  readonly lineMap: LineMap;
  /** Called once, when the log is closed by its owner. */
  onClose: () => void = () => undefined;
  readonly #directory: string;
  readonly #open: () => Promise<ResultFiles>;
  readonly #isSettled: Uint8Array;
  #files: ResultFiles;
  #resultsBytes: number;
  #doneBytes: number;
  #condition: Condition = 'good';
  #committing: Promise<unknown> | null = null;
  #superseded = false;
  #closed = false;
  #lastSyncSeconds = 0;

  constructor(
    directory: string,
    epoch: number,
    files: ResultFiles,
    recovered: RecoveredResults,
    open: () => Promise<ResultFiles>,
  ) {
    this.#directory = directory;
    this.epoch = epoch;
    this.#files = files;
    this.#open = open;
    this.settled = recovered.settled;
    this.findings = recovered.findings;
    this.lineMap = recovered.lineMap;
    this.#isSettled = recovered.isSettled;
    this.#resultsBytes = recovered.resultsBytes;
    this.#doneBytes = recovered.doneBytes;
  }

  get lastSyncSeconds(): number {
    return this.#lastSyncSeconds;
  }

  /** How far the log has come that a crash cannot take back; always the end of a line. */
  get durableBytes(): number {
    return this.#resultsBytes;
  }

  isSettled(request: number): boolean {
    return this.#isSettled[request] === 1;
  }

  async commit(chunk: ResultChunk): Promise<'written' | 'lost'> {
    assert(!this.#closed, 'commit after close');
    assert(this.#committing === null, 'a commit is in flight: one at a time');
    if (this.#superseded) return 'lost';
    checkChunk(chunk, this.#isSettled);
    if (chunk.rows.length === 0) return 'written';
    const commit = this.#commit(chunk);
    this.#committing = commit.catch(() => undefined);
    try {
      await commit;
      return 'written';
    } catch (cause) {
      throw spoolFailure(`writing results in ${this.#directory}`, cause);
    } finally {
      this.#committing = null;
    }
  }

  /** Another owner opens the log: what is in flight is finished first, and nothing is written after. */
  async supersede(): Promise<void> {
    this.#superseded = true;
    await this.#committing;
    await this.#release();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#committing;
    await this.#release();
    this.onClose();
  }

  #released = false;

  async #release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#closeFiles();
  }

  async #commit(chunk: ResultChunk): Promise<void> {
    if (this.#condition !== 'good') await this.#mend();
    const entries = this.#entries(chunk);
    this.#condition = 'unwritten';
    await writeFully(this.#files.results, chunk.lines, this.#resultsBytes);
    await writeFully(this.#files.done, entries, this.#doneBytes);
    this.#condition = 'unsynced';
    await this.#sync();
    this.#condition = 'good';
    this.#resultsBytes += chunk.lines.length;
    this.#doneBytes += entries.length;
    for (const row of chunk.rows) this.#isSettled[row.request] = 1;
  }

  #entries(chunk: ResultChunk): Uint8Array {
    const words = new Uint32Array((chunk.rows.length + 1) * ENTRY_WORDS);
    putMarker(words, 0, this.epoch, this.#resultsBytes);
    let start = 0;
    chunk.rows.forEach(({ request, type, lineBytes }, i) => {
      const lineCrc = crc32(chunk.lines.subarray(start, start + lineBytes));
      putRow(words, i + 1, { request, typeCode: RESULT_TYPES.indexOf(type), lineBytes, lineCrc });
      start += lineBytes;
    });
    return new Uint8Array(words.buffer);
  }

  async #sync(): Promise<void> {
    const startedAt = performance.now();
    const outcomes = await Promise.allSettled([this.#files.results.datasync(), this.#files.done.datasync()]);
    this.#lastSyncSeconds = (performance.now() - startedAt) / 1000;
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Brings the files back to their good lengths, after a sync failed through fresh descriptors. */
  async #mend(): Promise<void> {
    if (this.#condition === 'unsynced') {
      await this.#closeFiles().catch(() => undefined); // The old descriptors are given up, whatever they say.
      this.#files = await this.#open();
    }
    const { results, done } = this.#files;
    await results.truncate(this.#resultsBytes);
    await done.truncate(this.#doneBytes);
    if (this.#condition === 'unsynced') {
      // The page where good bytes and lost ones met was part of the failed sync.
      await rewritePages(results, this.#resultsBytes, this.#resultsBytes);
      await rewritePages(done, this.#doneBytes, this.#doneBytes);
    }
    this.#condition = 'unsynced';
    await this.#sync();
    this.#condition = 'good';
  }

  async #closeFiles(): Promise<void> {
    await Promise.all([this.#files.results.close(), this.#files.done.close()]);
  }
}
