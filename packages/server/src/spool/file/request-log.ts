import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import type { BatchId } from '@batchwright/protocol';
import type { RequestIndex } from '@batchwright/scan';
import type { RequestLog } from '../spool.ts';
import { errorCode, spoolFailure } from '../spool-failure.ts';
import { StoredDamageError } from '../stored-damage.ts';
import { decodePlanFile } from './plan-file.ts';
import { ReadAhead, type ReadAheadBudget } from './read-ahead.ts';
import { decodeIndex, type StoredIndex } from './request-index-format.ts';
import { readWhole, withFile, type SpoolFile, type SpoolFiles } from './spool-files.ts';

/** The whole index of a batch, checked. */
export async function readIndex(files: SpoolFiles, directory: string): Promise<StoredIndex> {
  const path = join(directory, 'index');
  const stored = decodeIndex(await withFile(files, path, 'read', readWhole));
  if (stored !== null) return stored;
  throw new StoredDamageError({
    batchId: batchIn(directory),
    file: 'index',
    byte: null,
    finding: 'its checksum differs',
  });
}

const batchIn = (directory: string): BatchId => basename(directory) as BatchId;

async function readPlan(files: SpoolFiles, directory: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return decodePlanFile(await withFile(files, join(directory, 'plan'), 'read', readWhole));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null;
    throw cause;
  }
}

/** Reads the requests of one batch. */
export class FileRequestLog implements RequestLog {
  readonly index: RequestIndex;
  readonly plan: Uint8Array<ArrayBuffer> | null;
  readonly #body: SpoolFile;
  readonly #readAhead: ReadAhead;
  readonly #directory: string;
  readonly #leaveBudget: () => void;

  private constructor(
    directory: string,
    body: SpoolFile,
    stored: StoredIndex & { plan: Uint8Array<ArrayBuffer> | null },
    budget: ReadAheadBudget,
  ) {
    this.#directory = directory;
    this.#body = body;
    this.#readAhead = new ReadAhead(body, stored.bodyBytes, budget);
    this.#leaveBudget = budget.join();
    this.index = stored.index;
    this.plan = stored.plan;
  }

  static async open(files: SpoolFiles, directory: string, budget: ReadAheadBudget): Promise<FileRequestLog> {
    try {
      const stored = { ...(await readIndex(files, directory)), plan: await readPlan(files, directory) };
      const body = await files.open(join(directory, 'body'), 'read');
      const bodyBytes = await body.size();
      if (bodyBytes === stored.bodyBytes) return new FileRequestLog(directory, body, stored, budget);
      await body.close();
      const finding = `it has ${bodyBytes} bytes, and should have ${stored.bodyBytes}`;
      const byte = Math.min(bodyBytes, stored.bodyBytes);
      throw new StoredDamageError({ batchId: batchIn(directory), file: 'body', byte, finding });
    } catch (cause) {
      throw spoolFailure(`opening the requests in ${directory}`, cause);
    }
  }

  peekParams(request: number): Uint8Array | null {
    return this.#readAhead.peek(...this.#span(request));
  }

  async readParams(request: number): Promise<Uint8Array> {
    const span = this.#span(request);
    try {
      return await this.#readAhead.read(...span);
    } catch (cause) {
      throw spoolFailure(`reading request ${request} in ${this.#directory}`, cause);
    }
  }

  releaseParams(params: Uint8Array): void {
    this.#readAhead.release(params);
  }

  async readBody(target: Uint8Array, position: number): Promise<number> {
    try {
      return await this.#body.read(target, position);
    } catch (cause) {
      throw spoolFailure(`reading the body in ${this.#directory}`, cause);
    }
  }

  async close(): Promise<void> {
    this.#leaveBudget();
    await this.#body.close();
  }

  #span(request: number): [offset: number, length: number] {
    const offset = this.index.paramsOffset[request];
    const length = this.index.paramsBytes[request];
    assert(offset !== undefined && length !== undefined, `no request ${request} among ${this.index.count}`);
    return [offset, length];
  }
}
