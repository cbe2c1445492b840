import { open, type FileHandle } from 'node:fs/promises';
import { assert } from '@batchwright/core';
import type { ByteLog } from '../store/run-store.ts';
import { storeFailure } from './store-failure.ts';

/** Appends are gathered up to this, since lines are small and a call to the system is not. */
const GATHERED_BYTES = 256 * 1024;

/**
 * A log in a file. What was appended lies in memory until there is enough of it, or until somebody reads there or syncs;
 * where a write fails it stays there, so that the log is whole and the next try writes it.
 */
export class FileLog implements ByteLog {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #closed: () => void;
  readonly #gathered = new Uint8Array(GATHERED_BYTES);
  #gatheredBytes = 0;
  /** Bytes in the file. */
  #written: number;
  /** Calls take their turn, since each depends on where the one before left the file. */
  #turn: Promise<unknown> = Promise.resolve();

  static async open(path: string, closed: () => void): Promise<FileLog> {
    try {
      const file = await open(path, 'a+', 0o600).then(async (made) => {
        await made.close();
        return open(path, 'r+');
      });
      const { size } = await file.stat();
      return new FileLog(path, file, size, closed);
    } catch (cause) {
      throw storeFailure('opening', path, cause);
    }
  }

  private constructor(path: string, file: FileHandle, size: number, closed: () => void) {
    this.#path = path;
    this.#file = file;
    this.#written = size;
    this.#closed = closed;
  }

  get size(): number {
    return this.#written + this.#gatheredBytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#inTurn('writing', async () => {
      if (this.#gatheredBytes + bytes.length > GATHERED_BYTES) await this.#flush();
      if (bytes.length > GATHERED_BYTES) {
        await this.#write(bytes);
        return;
      }
      this.#gathered.set(bytes, this.#gatheredBytes);
      this.#gatheredBytes += bytes.length;
    });
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#inTurn('reading', async () => {
      if (offset < 0 || length < 0 || offset + length > this.size) {
        throw new RangeError(`bytes ${offset} to ${offset + length} of ${this.size} were asked for`);
      }
      const bytes = new Uint8Array(length);
      const inFile = Math.max(0, Math.min(length, this.#written - offset));
      for (let at = 0; at < inFile;) {
        const { bytesRead } = await this.#file.read(bytes, at, inFile - at, offset + at);
        if (bytesRead === 0) throw new Error('the file is shorter than it was');
        at += bytesRead;
      }
      const start = Math.max(0, offset - this.#written);
      bytes.set(this.#gathered.subarray(start, start + length - inFile), inFile);
      return bytes;
    });
  }

  truncate(size: number): Promise<void> {
    return this.#inTurn('cutting', async () => {
      assert(size >= 0 && size <= this.size, () => `${this.#path} of ${this.size} bytes is cut to ${size}`);
      if (size < this.#written) {
        await this.#file.truncate(size);
        this.#written = size;
        this.#gatheredBytes = 0;
      } else this.#gatheredBytes = size - this.#written;
    });
  }

  sync(): Promise<void> {
    return this.#inTurn('writing', async () => {
      await this.#flush();
      await this.#file.datasync();
    });
  }

  async close(): Promise<void> {
    try {
      await this.#inTurn('writing', () => this.#flush());
    } finally {
      await this.#file.close();
      this.#closed();
    }
  }

  async #flush(): Promise<void> {
    await this.#write(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gatheredBytes = 0;
  }

  /** All of it or nothing: bytes of a write that failed are no part of the log, and the next write covers them. */
  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#written + at);
      at += bytesWritten;
    }
    this.#written += bytes.length;
  }

  #inTurn<Value>(doing: string, action: () => Promise<Value>): Promise<Value> {
    const turn = this.#turn.then(action).catch((cause: unknown) => {
      throw storeFailure(doing, this.#path, cause);
    });
    // Whoever made the call sees its failure; the next one is not touched by it.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
