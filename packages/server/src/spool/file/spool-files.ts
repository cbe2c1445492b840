/**
 * The little of a file system that the spool needs, as a seam: the real one is `node-files.ts`, and tests put one here
 * that runs full, fails a sync, or loses power between any two bytes.
 */
export interface SpoolFiles {
  /**
   * `read` opens what exists; `write` opens for reading and writing and makes the file when absent; `direct` opens for
   * writing past the page cache, and fails with EINVAL where the file system has no such thing.
   */
  open(path: string, mode: OpenMode): Promise<SpoolFile>;
  /** Fails with EEXIST when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Removes a directory and all in it, or one file; missing is no error. */
  remove(path: string): Promise<void>;
  /** Names in a directory, in no order. */
  list(path: string): Promise<readonly string[]>;
}

export type OpenMode = 'read' | 'write' | 'direct';

export interface SpoolFile {
  /** Answers how many bytes were read; 0 only at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Answers how many bytes were written, at least one, perhaps fewer than asked. */
  write(source: Uint8Array, position: number): Promise<number>;
  size(): Promise<number>;
  /** The same text for as long as nobody wrote to the file, replaced it or cut it. */
  identity(): Promise<string>;
  truncate(bytes: number): Promise<void>;
  /** Makes contents and size durable. After a failure nothing is known about what was written before. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** Writes all of `source`, however many calls it takes. */
export async function writeFully(file: SpoolFile, source: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < source.length) done += await file.write(source.subarray(done), position + done);
}

/** Pieces that together have no more are written by one call. */
const ONE_WRITE_BYTES = 65_536;

/** Writes pieces one after the other from the file's start: large ones as they lie, small ones together. */
export async function writePieces(file: SpoolFile, pieces: readonly Uint8Array[]): Promise<void> {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let position = 0;
  for (const piece of bytes <= ONE_WRITE_BYTES ? [joined(pieces, bytes)] : pieces) {
    await writeFully(file, piece, position);
    position += piece.length;
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Fills `target` as far as the file goes; answers how far that was. */
export async function readFully(file: SpoolFile, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const count = await file.read(target.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** The whole of a file in a fresh buffer that nothing else shares, so that typed arrays may be laid over it. */
export async function readWhole(file: SpoolFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(new ArrayBuffer(await file.size()));
  return bytes.subarray(0, await readFully(file, bytes, 0));
}

/** Opens, uses and closes a file, whatever happens. */
export async function withFile<T>(
  files: SpoolFiles,
  path: string,
  mode: OpenMode,
  use: (file: SpoolFile) => Promise<T>,
): Promise<T> {
  const file = await files.open(path, mode);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
