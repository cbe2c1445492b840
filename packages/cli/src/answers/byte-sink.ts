import { open, type FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { publishFile, stage, unstage, type Staging } from './staging.ts';

/** Where the bytes of an output go, in order. */
export interface ByteSink {
  /** The bytes may be used again once this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
}

const BUFFER_BYTES = 256 * 1024;

/** A file that appears with `finish`. */
export async function fileSink(path: string): Promise<ByteSink> {
  const staging = await stage(path);
  return new StagedFile(staging, await open(staging.path, 'wx'));
}

/** A pipe or a terminal: what was written is gone, and each write waits until it was taken. */
export function streamSink(stream: Writable): ByteSink {
  // The write that fails says so itself; without a listener the same error would end the process.
  stream.on('error', () => undefined);
  const isTerminal = 'isTTY' in stream && stream.isTTY === true;
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(isTerminal ? spelledOut(bytes) : bytes, (error) => (error ? reject(error) : resolve()));
      }),
    finish: async () => undefined,
    discard: async () => undefined,
  };
}

/**
 * What a terminal would obey, as JSON spells it: in a line of JSON the value stays the same, and no answer of a model or
 * a server moves the cursor, renames the window or types for its reader.
 */
function spelledOut(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.replaceAll(
    /(?![\n\t]|\r\n)[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

class StagedFile implements ByteSink {
  readonly #staging: Staging;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #buffered = 0;
  #handle: FileHandle | null;

  constructor(staging: Staging, handle: FileHandle) {
    this.#staging = staging;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#buffered + bytes.length > BUFFER_BYTES) await this.#flush();
    if (bytes.length > BUFFER_BYTES) return this.#append(bytes);
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#handle?.sync();
    await this.#close();
    await publishFile(this.#staging);
  }

  async discard(): Promise<void> {
    // What is buffered is lost on purpose, and so is why it could not be closed.
    await this.#close().catch(() => undefined);
    await unstage(this.#staging);
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffered = 0;
    if (bytes.length > 0) await this.#append(bytes);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.#handle === null) throw new Error('the output was finished or discarded');
    // Unlike `write`, this goes on until everything is written.
    await this.#handle.appendFile(bytes);
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }
}
