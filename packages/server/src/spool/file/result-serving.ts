/**
 * Opens results for reading, so that no damaged line is ever given out as a good one:
 *
 *     known to be damaged          refused at once
 *     size is not what was kept    refused at once
 *     not verified lately          verified as it is read; a mismatch breaks the reading off, and is remembered
 *     verified, and untouched      read as it lies there
 */
import { join } from 'node:path';
import type { BatchId } from '@batchwright/protocol';
import type { ResultReader } from '../spool.ts';
import { errorCode, spoolFailure } from '../spool-failure.ts';
import { StoredDamageError, type DamagedPlace, type StoredFile } from '../stored-damage.ts';
import { FileTrust } from './file-trust.ts';
import { LineMap } from './line-map.ts';
import type { FileResultLog } from './result-log.ts';
import type { SpoolFile, SpoolFiles } from './spool-files.ts';
import { VerifiedReader } from './verified-reader.ts';

/** The two files of a results log, open for reading. */
interface OpenedPair {
  readonly results: SpoolFile;
  readonly done: SpoolFile;
}

/** And what tells them from any others. */
interface KnownPair extends OpenedPair {
  readonly identity: string;
}

export class ResultServing {
  readonly #files: SpoolFiles;
  readonly #onDamage: (error: StoredDamageError) => void;
  readonly #trust = new FileTrust(() => performance.now());

  constructor(files: SpoolFiles, onDamage: (error: StoredDamageError) => void) {
    this.#files = files;
    this.#onDamage = onDamage;
  }

  /** All results there are. With `despiteDamage` those that are whole can be read of a log in which others are not. */
  readWhole(batchId: BatchId, directory: string, despiteDamage: boolean): Promise<ResultReader | null> {
    return this.#withPair(batchId, directory, (pair) => this.#readWhole(batchId, pair, despiteDamage));
  }

  /** The results that no crash can take back; `log` is the one that adds to them, if it is open. */
  readDurable(batchId: BatchId, directory: string, log: FileResultLog | null): Promise<ResultReader | null> {
    return this.#withPair(batchId, directory, (pair) => this.#readDurable(batchId, pair, log));
  }

  forget(batchId: BatchId): void {
    this.#trust.forget(batchId);
  }

  /** Tells of damage, and answers the error to throw. */
  damage(batchId: BatchId, place: Omit<DamagedPlace, 'batchId'>): StoredDamageError {
    const error = new StoredDamageError({ batchId, ...place });
    this.#onDamage(error);
    return error;
  }

  async #readWhole(batchId: BatchId, files: OpenedPair, despiteDamage: boolean): Promise<ResultReader> {
    const pair = { ...files, identity: await identityOf(files) };
    const known = this.#trust.of(batchId, pair.identity);
    const fileBytes = await pair.results.size();
    if (known?.type === 'verified') return new PlainReader(pair, fileBytes);
    if (known?.type === 'damaged' && !despiteDamage) throw known.error;
    const map = known?.type === 'mapped' ? known.map : await this.#mapOf(batchId, pair);
    if (map.bytes !== fileBytes) {
      const finding = `it has ${fileBytes} bytes, and should have ${map.bytes}`;
      const error = this.#remember(batchId, pair, 'results.jsonl', Math.min(fileBytes, map.bytes), finding);
      if (!despiteDamage) throw error;
    } else if (known === null) this.#trust.mapped(batchId, pair.identity, map);
    return new VerifiedReader({
      ...pair,
      map,
      bytes: map.bytes,
      onWhole: () => this.#verified(batchId, pair),
      damage: (file, byte, finding) => this.#remember(batchId, pair, file, byte, finding),
    });
  }

  /** Every entry of the done log has to be whole: there is nothing else to hold the lines against. */
  async #mapOf(batchId: BatchId, pair: KnownPair): Promise<LineMap> {
    const map = new LineMap();
    await map.extend(pair.done, Infinity);
    if (map.damagedAt === null) return map;
    throw this.#remember(batchId, pair, 'done.log', map.damagedAt, 'the entry there does not match its checksum');
  }

  async #readDurable(batchId: BatchId, pair: OpenedPair, log: FileResultLog | null): Promise<ResultReader> {
    const map = log?.lineMap ?? new LineMap();
    const limitBytes = log?.durableBytes ?? Infinity;
    await map.extend(pair.done, limitBytes);
    // Of a log that nobody has open, the end may be torn: only what its markers prove is certain then.
    const bytes = log === null ? map.provenBytes : limitBytes;
    const damage = (file: StoredFile, byte: number, finding: string) => this.damage(batchId, { file, byte, finding });
    if (map.bytes < bytes) throw damage('done.log', map.damagedAt ?? 0, `it names ${map.bytes} of ${bytes} bytes`);
    const fileBytes = await pair.results.size();
    if (fileBytes < bytes) throw damage('results.jsonl', fileBytes, `it has no more, and should have ${bytes} bytes`);
    return new VerifiedReader({ ...pair, map, bytes, onWhole: () => Promise.resolve(), damage });
  }

  /** Only what is still the same files was verified by reading them. */
  async #verified(batchId: BatchId, pair: KnownPair): Promise<void> {
    if ((await identityOf(pair)) === pair.identity) this.#trust.verified(batchId, pair.identity);
  }

  #remember(
    batchId: BatchId,
    { identity }: KnownPair,
    file: StoredFile,
    byte: number,
    finding: string,
  ): StoredDamageError {
    const error = this.damage(batchId, { file, byte, finding });
    this.#trust.damaged(batchId, identity, error);
    return error;
  }

  async #withPair(
    batchId: BatchId,
    directory: string,
    use: (pair: OpenedPair) => Promise<ResultReader>,
  ): Promise<ResultReader | null> {
    const opened: SpoolFile[] = [];
    const open = async (name: string): Promise<SpoolFile> => {
      const file = await this.#files.open(join(directory, name), 'read');
      opened.push(file);
      return file;
    };
    try {
      const results = await open('results.jsonl');
      const done = await open('done.log');
      return await use({ results, done });
    } catch (cause) {
      for (const file of opened) await file.close().catch(() => undefined); // The first failure is the one to tell.
      // Before the first opening for appending, while that makes its files, and while a batch is being removed.
      if (errorCode(cause) === 'ENOENT') return null;
      throw spoolFailure(`opening the results in ${directory}`, cause);
    }
  }
}

async function identityOf({ results, done }: OpenedPair): Promise<string> {
  return `${await results.identity()} ${await done.identity()}`;
}

/** Results that were verified before. */
class PlainReader implements ResultReader {
  readonly bytes: number;
  readonly #pair: OpenedPair;

  constructor(pair: OpenedPair, bytes: number) {
    this.#pair = pair;
    this.bytes = bytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const wanted = Math.min(target.length, this.bytes - position);
    return wanted <= 0 ? 0 : this.#pair.results.read(target.subarray(0, wanted), position);
  }

  async close(): Promise<void> {
    await Promise.all([this.#pair.results.close(), this.#pair.done.close()]);
  }
}
