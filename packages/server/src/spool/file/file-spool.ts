/**
 * The spool in a directory of files, one directory per batch:
 *
 *     <root>/msgbatch_01…/
 *       body            what the client sent, byte for byte
 *       index           where each request lies in it             (request-index-format.ts)
 *       plan            how its requests are best ordered, if they share anything
 *       results.jsonl   what GET …/results serves, append-only
 *       done.log        which of its lines settles which request  (done-log-format.ts)
 *       results.salvage only between a loss of power and the next opening (result-recovery.ts)
 *
 * One process owns the directory; the lock that says so is held elsewhere.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { BatchId } from '@batchwright/protocol';
import { checkBatchId, isBatchId } from '../batch-id-check.ts';
import { lostLog } from '../lost-log.ts';
import { requestsByCustomId } from '../result-line.ts';
import type { RequestLog, RequestLogWriter, ResultLog, ResultReader, SettledLines, Spool } from '../spool.ts';
import { errorCode, spoolFailure } from '../spool-failure.ts';
import { rowsWithin, walkDoneLog } from './done-log-format.ts';
import { nodeFiles } from './node-files.ts';
import { ReadAheadBudget } from './read-ahead.ts';
import { decodeIndexHeader, INDEX_HEADER_BYTES } from './request-index-format.ts';
import { FileRequestLog, readIndex } from './request-log.ts';
import { FileRequestLogWriter, type DirectWriting } from './request-log-writer.ts';
import { FileResultLog } from './result-log.ts';
import { readDoneLog, recoverResults, type ResultFiles } from './result-recovery.ts';
import { commitSalvage, SalvageWriter } from './salvage.ts';
import { readFully, withFile, type SpoolFile, type SpoolFiles } from './spool-files.ts';

/** Opens the spool whose batches lie in `root`, a directory that exists. */
export function openFileSpool(root: string, files: SpoolFiles = nodeFiles): Spool {
  return new FileSpool(root, files);
}

class FileSpool implements Spool {
  readonly #root: string;
  readonly #files: SpoolFiles;
  readonly #direct: DirectWriting = { state: 'untried' };
  readonly #readAheadBudget = new ReadAheadBudget();
  readonly #openLogs = new Map<BatchId, FileResultLog>();
  readonly #openings = new Map<BatchId, Promise<ResultLog>>();

  constructor(root: string, files: SpoolFiles) {
    this.#root = root;
    this.#files = files;
  }

  async createRequestLog(batchId: BatchId): Promise<RequestLogWriter> {
    checkBatchId(batchId);
    return FileRequestLogWriter.create(this.#files, this.#root, batchId, this.#direct);
  }

  async openRequestLog(batchId: BatchId): Promise<RequestLog> {
    return FileRequestLog.open(this.#files, this.#directory(batchId), this.#readAheadBudget);
  }

  async openResultLog(batchId: BatchId, shard: number, epoch: number): Promise<ResultLog> {
    assert(shard === 0, `a batch in files is one shard, number 0, and not ${shard}`);
    const directory = this.#directory(batchId);
    // One opening of a batch at a time: recovery cuts files that another recovery may be reading.
    const former = this.#openings.get(batchId) ?? Promise.resolve();
    const opening = former.catch(() => undefined).then(() => this.#openResultLog(batchId, directory, epoch));
    this.#openings.set(batchId, opening);
    try {
      return await opening;
    } catch (cause) {
      throw spoolFailure(`opening the results in ${directory}`, cause);
    } finally {
      if (this.#openings.get(batchId) === opening) this.#openings.delete(batchId);
    }
  }

  async readResults(batchId: BatchId): Promise<ResultReader | null> {
    return this.#readResults(this.#directory(batchId), async (fileBytes) => fileBytes);
  }

  async readDurableResults(batchId: BatchId): Promise<ResultReader | null> {
    const directory = this.#directory(batchId);
    // Of a log that nobody has open, the end may be torn: only what its markers prove is certain then.
    return this.#readResults(directory, async (fileBytes) =>
      Math.min(fileBytes, this.#openLogs.get(batchId)?.durableBytes ?? (await this.#provenBytes(directory, fileBytes))),
    );
  }

  async settledLines(batchId: BatchId, bytes: number): Promise<SettledLines> {
    return rowsWithin(await this.#doneLog(this.#directory(batchId)), bytes);
  }

  async remove(batchId: BatchId): Promise<void> {
    const directory = this.#directory(batchId);
    try {
      await this.#openLogs.get(batchId)?.close();
      this.#openLogs.delete(batchId);
      await this.#files.remove(directory);
      await this.#files.syncDirectory(this.#root);
    } catch (cause) {
      throw spoolFailure(`removing ${directory}`, cause);
    }
  }

  async list(): Promise<readonly BatchId[]> {
    try {
      return (await this.#files.list(this.#root)).filter(isBatchId);
    } catch (cause) {
      throw spoolFailure(`listing ${this.#root}`, cause);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#openLogs.values()].map((log) => log.close()));
    this.#openLogs.clear();
  }

  async #readResults(directory: string, extent: (fileBytes: number) => Promise<number>): Promise<ResultReader | null> {
    const path = join(directory, 'results.jsonl');
    let file: SpoolFile | null = null;
    try {
      file = await this.#files.open(path, 'read');
      return new FileResultReader(file, await extent(await file.size()));
    } catch (cause) {
      await file?.close().catch(() => undefined); // The first failure is the one to tell.
      if (errorCode(cause) === 'ENOENT') return null;
      throw spoolFailure(`opening ${path}`, cause);
    }
  }

  async #provenBytes(directory: string, fileBytes: number): Promise<number> {
    const isSettled = new Uint8Array(await this.#requestCount(directory));
    return walkDoneLog(await this.#doneLog(directory), isSettled, fileBytes).provenBytes;
  }

  async #doneLog(directory: string): Promise<Uint32Array> {
    const path = join(directory, 'done.log');
    try {
      return await withFile(this.#files, path, 'read', readDoneLog);
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return new Uint32Array(0);
      throw spoolFailure(`reading ${path}`, cause);
    }
  }

  async #openResultLog(batchId: BatchId, directory: string, epoch: number): Promise<ResultLog> {
    const former = this.#openLogs.get(batchId);
    if (former !== undefined) {
      if (former.epoch > epoch) return lostLog;
      await former.supersede();
    }
    const log = await this.#recoverLog(directory, epoch);
    this.#openLogs.set(batchId, log);
    // A closed log is forgotten, or every batch that ever ran would stay in memory.
    log.onClose = () => {
      if (this.#openLogs.get(batchId) === log) this.#openLogs.delete(batchId);
    };
    return log;
  }

  async #recoverLog(directory: string, epoch: number): Promise<FileResultLog> {
    const count = await this.#requestCount(directory);
    const open = () => openResultFiles(this.#files, directory);
    const files = await open();
    const salvage = new SalvageWriter(this.#files, directory);
    let requests: Promise<ReadonlyMap<string, number>> | undefined;
    const find = async (customId: string) => {
      requests ??= readIndex(this.#files, directory).then(({ index }) => requestsByCustomId(index));
      return (await requests).get(customId);
    };
    try {
      const recovered = await recoverResults(files, {
        count,
        find,
        salvage: (line) => salvage.put(line),
        salvaged: () => salvage.finish(),
      });
      await this.#files.syncDirectory(directory);
      const log = new FileResultLog(directory, epoch, files, recovered, open);
      if (!(await commitSalvage(this.#files, directory, log, find))) return log;
      await log.close();
      return await this.#recoverLog(directory, epoch);
    } catch (cause) {
      await closeResultFiles(files).catch(() => undefined); // The first failure is the one to tell.
      throw cause;
    } finally {
      await salvage.close();
    }
  }

  async #requestCount(directory: string): Promise<number> {
    const path = join(directory, 'index');
    const header = new Uint8Array(INDEX_HEADER_BYTES);
    await withFile(this.#files, path, 'read', (file) => readFully(file, header, 0));
    const decoded = decodeIndexHeader(header);
    if (decoded === null) throw new Error(`${path} is damaged: its header does not match its checksum`);
    return decoded.count;
  }

  #directory(batchId: BatchId): string {
    checkBatchId(batchId);
    return join(this.#root, batchId);
  }
}

async function openResultFiles(files: SpoolFiles, directory: string): Promise<ResultFiles> {
  const results = await files.open(join(directory, 'results.jsonl'), 'write');
  try {
    return { results, done: await files.open(join(directory, 'done.log'), 'write') };
  } catch (cause) {
    await results.close();
    throw cause;
  }
}

async function closeResultFiles(files: ResultFiles): Promise<void> {
  await Promise.all([files.results.close(), files.done.close()]);
}

class FileResultReader implements ResultReader {
  readonly bytes: number;
  readonly #file: SpoolFile;

  constructor(file: SpoolFile, bytes: number) {
    this.#file = file;
    this.bytes = bytes;
  }

  /** Never past `bytes`, so that a length that was promised to a client holds while the log grows. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const wanted = Math.min(target.length, this.bytes - position);
    return wanted <= 0 ? 0 : this.#file.read(target.subarray(0, wanted), position);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
