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
import type {
  RecoveryFindings,
  RequestLog,
  RequestLogWriter,
  ResultLog,
  ResultReader,
  SettledLines,
  Spool,
} from '../spool.ts';
import { errorCode, spoolFailure } from '../spool-failure.ts';
import { StoredDamageError } from '../stored-damage.ts';
import { rowsWithin } from './done-log-format.ts';
import { nodeFiles } from './node-files.ts';
import { ReadAheadBudget } from './read-ahead.ts';
import { decodeIndexHeader, INDEX_HEADER_BYTES } from './request-index-format.ts';
import { FileRequestLog, readIndex } from './request-log.ts';
import { FileRequestLogWriter, type DirectWriting } from './request-log-writer.ts';
import { FileResultLog } from './result-log.ts';
import { readDoneLog, recoverResults, type ResultFiles } from './result-recovery.ts';
import { ResultServing } from './result-serving.ts';
import { commitSalvage, SalvageWriter } from './salvage.ts';
import { SharedSync } from './shared-sync.ts';
import { readFully, withFile, type SpoolFiles } from './spool-files.ts';

/** Opens the spool whose batches lie in `root`, a directory that exists. `onDamage` is told of damage whenever it is met. */
export function openFileSpool(
  root: string,
  files: SpoolFiles = nodeFiles,
  onDamage: (error: StoredDamageError) => void = () => undefined,
): Spool {
  return new FileSpool(root, files, onDamage);
}

class FileSpool implements Spool {
  readonly #root: string;
  readonly #files: SpoolFiles;
  readonly #rootSync: SharedSync;
  readonly #direct: DirectWriting = { state: 'untried' };
  readonly #readAheadBudget = new ReadAheadBudget();
  readonly #openLogs = new Map<BatchId, FileResultLog>();
  /** Batches whose last recovery failed. */
  readonly #unrecovered = new Set<BatchId>();
  readonly #openings = new Map<BatchId, Promise<ResultLog>>();
  readonly #serving: ResultServing;
  readonly #onDamage: (error: StoredDamageError) => void;

  constructor(root: string, files: SpoolFiles, onDamage: (error: StoredDamageError) => void) {
    this.#root = root;
    this.#files = files;
    this.#rootSync = new SharedSync(() => files.syncDirectory(root));
    this.#onDamage = onDamage;
    this.#serving = new ResultServing(files, onDamage);
  }

  async createRequestLog(batchId: BatchId): Promise<RequestLogWriter> {
    return FileRequestLogWriter.create(this.#files, this.#directory(batchId), this.#rootSync, this.#direct);
  }

  async openRequestLog(batchId: BatchId): Promise<RequestLog> {
    try {
      return await FileRequestLog.open(this.#files, this.#directory(batchId), this.#readAheadBudget);
    } catch (error) {
      if (error instanceof StoredDamageError) this.#onDamage(error);
      throw error;
    }
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

  async readResults(batchId: BatchId, asks?: { readonly despiteDamage: boolean }): Promise<ResultReader | null> {
    return this.#serving.readWhole(batchId, this.#directory(batchId), asks?.despiteDamage ?? false);
  }

  async readDurableResults(batchId: BatchId): Promise<ResultReader | null> {
    return this.#serving.readDurable(batchId, this.#directory(batchId), this.#openLogs.get(batchId) ?? null);
  }

  async settledLines(batchId: BatchId, bytes: number): Promise<SettledLines> {
    const lines = rowsWithin(await this.#doneLog(this.#directory(batchId)), bytes);
    if (lines !== null) return lines;
    const finding = `its entries end before the ${bytes} bytes of results that they should name`;
    throw this.#serving.damage(batchId, { file: 'done.log', byte: null, finding });
  }

  async remove(batchId: BatchId): Promise<void> {
    const directory = this.#directory(batchId);
    try {
      await this.#openLogs.get(batchId)?.close();
      this.#openLogs.delete(batchId);
      this.#serving.forget(batchId);
      await this.#files.remove(directory);
      await this.#rootSync.run();
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
    const log = await this.#recoverLog(batchId, directory, epoch);
    this.#openLogs.set(batchId, log);
    // A closed log is forgotten, or every batch that ever ran would stay in memory.
    log.onClose = () => {
      if (this.#openLogs.get(batchId) === log) this.#openLogs.delete(batchId);
    };
    return log;
  }

  /** `before` is what a first recovery found that put lines aside, when this is the one after they were committed. */
  async #recoverLog(
    batchId: BatchId,
    directory: string,
    epoch: number,
    before: RecoveryFindings = { lost: 0, adopted: 0 },
  ): Promise<FileResultLog> {
    const count = await this.#requestCount(batchId, directory);
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
        isSuspect: this.#unrecovered.has(batchId),
        find,
        salvage: (line) => salvage.put(line),
        salvaged: () => salvage.finish(),
      });
      // Nobody commits before the names are durable: where there was a commit, they are.
      if (recovered.wasEmpty) await this.#files.syncDirectory(directory);
      this.#unrecovered.delete(batchId);
      const { lost, adopted } = recovered.findings;
      const findings = { lost: before.lost + lost, adopted: before.adopted + adopted };
      const log = new FileResultLog(directory, epoch, files, { ...recovered, findings }, open);
      if (!(await commitSalvage(this.#files, directory, log, find))) return log;
      await log.close();
      return await this.#recoverLog(batchId, directory, epoch, findings);
    } catch (cause) {
      this.#unrecovered.add(batchId);
      await closeResultFiles(files).catch(() => undefined); // The first failure is the one to tell.
      throw cause;
    } finally {
      await salvage.close();
    }
  }

  async #requestCount(batchId: BatchId, directory: string): Promise<number> {
    const header = new Uint8Array(INDEX_HEADER_BYTES);
    await withFile(this.#files, join(directory, 'index'), 'read', (file) => readFully(file, header, 0));
    const decoded = decodeIndexHeader(header);
    if (decoded !== null) return decoded.count;
    throw this.#serving.damage(batchId, { file: 'index', byte: 0, finding: 'its header does not match its checksum' });
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
