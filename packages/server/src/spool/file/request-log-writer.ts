import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RequestIndex } from '@batchwright/scan';
import { BLOCK_ALIGNMENT_BYTES, REQUEST_BLOCK_BYTES, type RequestLogWriter } from '../spool.ts';
import { errorCode, spoolFailure } from '../spool-failure.ts';
import { planPieces } from './plan-file.ts';
import { indexPieces } from './request-index-format.ts';
import type { SharedSync } from './shared-sync.ts';
import { withFile, writePieces, writeFully, type SpoolFile, type SpoolFiles } from './spool-files.ts';

/**
 * Whether the file system under a spool takes writes past the page cache. Nobody knows until the first one, and a
 * refusal of the first settles it; a refusal after a success only says that one caller's memory was not aligned.
 */
export interface DirectWriting {
  state: 'untried' | 'works' | 'refused';
}

/**
 * Writes `body`, `index` and `plan` of one batch. Bodies of several blocks go past the page cache where the file system allows
 * it: a steady 2.8 GB/s from reused memory, where buffered writes drop to a tenth when the cache has to grow. A body
 * of one block stays in the cache, where dispatch reads it a moment later.
 *
 * Invariant: `index` is written after every byte of `body`, and all are synced before `commit` resolves.
 */
export class FileRequestLogWriter implements RequestLogWriter {
  readonly #files: SpoolFiles;
  readonly #directory: string;
  readonly #parentSync: SharedSync;
  readonly #direct: DirectWriting;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #body: SpoolFile;
  #directBody: SpoolFile | null = null;
  #position = 0;
  #complete = false;
  #failure: Error | null = null;
  #closed = false;

  private constructor(
    files: SpoolFiles,
    directory: string,
    parentSync: SharedSync,
    body: SpoolFile,
    direct: DirectWriting,
  ) {
    this.#files = files;
    this.#parentSync = parentSync;
    this.#directory = directory;
    this.#body = body;
    this.#direct = direct;
  }

  /** Makes the batch's directory, which must not exist; `parentSync` makes its name durable. */
  static async create(
    files: SpoolFiles,
    directory: string,
    parentSync: SharedSync,
    direct: DirectWriting,
  ): Promise<FileRequestLogWriter> {
    try {
      await files.makeDirectory(directory);
    } catch (cause) {
      throw spoolFailure(`making the directory ${directory}`, cause);
    }
    try {
      const body = await files.open(join(directory, 'body'), 'write');
      return new FileRequestLogWriter(files, directory, parentSync, body, direct);
    } catch (cause) {
      await files.remove(directory);
      throw spoolFailure(`making the body in ${directory}`, cause);
    }
  }

  append(block: Uint8Array): Promise<void> {
    assert(!this.#closed, 'append after commit or discard');
    assert(!this.#complete || block.length === 0, 'append after a block that was not full: only the last may be short');
    assert(block.length <= REQUEST_BLOCK_BYTES, `block of ${block.length} bytes is larger than ${REQUEST_BLOCK_BYTES}`);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (block.length === 0) return Promise.resolve();
    const position = this.#position;
    this.#position += block.length;
    this.#complete = block.length < REQUEST_BLOCK_BYTES;
    const write = this.#write(block, position).catch((cause: unknown) => {
      this.#failure ??= spoolFailure(`writing the body in ${this.#directory}`, cause);
      throw this.#failure;
    });
    const tracked: Promise<void> = write.then(
      () => void this.#inFlight.delete(tracked),
      () => void this.#inFlight.delete(tracked),
    );
    this.#inFlight.add(tracked);
    return write;
  }

  async commit(index: RequestIndex, plan: Uint8Array | null = null): Promise<void> {
    assert(!this.#closed, 'commit after commit or discard');
    await Promise.all(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
    try {
      // Direct writes end at a block's boundary; the padding goes here.
      await this.#body.truncate(this.#position);
      await allDone([
        this.#writeWhole('index', indexPieces(index, this.#position)),
        this.#body.datasync(),
        ...(plan === null ? [] : [this.#writeWhole('plan', planPieces(plan))]),
      ]);
      await this.#close();
      await this.#files.syncDirectory(this.#directory);
      await this.#parentSync.run();
    } catch (cause) {
      this.#failure = spoolFailure(`committing the requests in ${this.#directory}`, cause);
      throw this.#failure;
    }
  }

  /** Also undoes a commit, for a batch that was refused after its body was safe. */
  async discard(): Promise<void> {
    await Promise.all(this.#inFlight);
    try {
      await this.#close();
      await this.#files.remove(this.#directory);
      await this.#parentSync.run();
    } catch (cause) {
      throw spoolFailure(`discarding ${this.#directory}`, cause);
    }
  }

  #writeWhole(name: string, pieces: readonly Uint8Array[]): Promise<void> {
    return withFile(this.#files, join(this.#directory, name), 'write', async (file) => {
      await writePieces(file, pieces);
      await file.datasync();
    });
  }

  async #write(block: Uint8Array, position: number): Promise<void> {
    if (await this.#wroteDirectly(block, position)) return;
    await writeFully(this.#body, block, position);
  }

  /** Whether the block went past the page cache; where it cannot, it is written again from its start, buffered. */
  async #wroteDirectly(block: Uint8Array, position: number): Promise<boolean> {
    const padded = block.length === REQUEST_BLOCK_BYTES ? block : position > 0 ? paddedToBlock(block) : null;
    if (padded === null || this.#direct.state === 'refused') return false;
    try {
      await writeFully(await this.#openDirectBody(), padded, position);
      this.#direct.state = 'works';
      return true;
    } catch (cause) {
      if (errorCode(cause) !== 'EINVAL') throw cause;
      if (this.#direct.state === 'untried') this.#direct.state = 'refused';
      return false;
    }
  }

  #opening: Promise<SpoolFile> | null = null;

  /** Appends in flight together share one descriptor. */
  async #openDirectBody(): Promise<SpoolFile> {
    this.#opening ??= this.#files.open(join(this.#directory, 'body'), 'direct');
    this.#directBody = await this.#opening;
    return this.#directBody;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#body.close(), this.#directBody?.close()]);
  }
}

/** Waits for every one, even when one fails: nothing may still be written when the directory is discarded. */
async function allDone(writes: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(writes);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** The block and what follows it in its memory, up to an aligned length; null when the memory ends before. */
function paddedToBlock(block: Uint8Array): Uint8Array | null {
  const length = Math.ceil(block.length / BLOCK_ALIGNMENT_BYTES) * BLOCK_ALIGNMENT_BYTES;
  if (block.byteOffset + length > block.buffer.byteLength) return null;
  return new Uint8Array(block.buffer, block.byteOffset, length);
}
