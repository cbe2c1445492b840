import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BadRequestsError } from '@batchwright/client';
import type { Host } from '../../host.ts';
import { unreadable } from './unreadable.ts';

/** What a command may touch to read its input. */
export type InputHost = Pick<Host, 'cwd' | 'stdin'>;

/** Bytes the user named: a file, or what is piped in. */
export interface InputBytes {
  /** For people. */
  readonly name: string;
  /** Of a file: where it lies; null: it is no file that can be read twice, or at any place. */
  readonly path: string | null;
  readonly identity: Readonly<Record<string, string>>;
  readonly progress: ByteProgress;
  /** From the first on, as they stand. */
  pieces(): AsyncIterable<Uint8Array>;
}

/** How much was read. */
export interface ByteProgress {
  readBytes: number;
  readonly totalBytes: number | null;
}

/** Looks at what the user named; `-` is standard input. Nothing is read yet. */
export async function openBytes(input: string, host: InputHost): Promise<InputBytes> {
  if (input === '-') return pipedIn('standard input', '-', host.stdin);
  const path = resolve(host.cwd, input);
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(input, error, host.cwd);
  });
  if (found.isDirectory()) throw new BadRequestsError(`${input} is a directory. Name a file in it.`);
  // A named pipe, as `<(…)` of a shell makes them, is read like standard input.
  if (!found.isFile()) return pipedIn(input, path, () => readPieces(path));
  const progress = { readBytes: 0, totalBytes: found.size };
  return {
    name: input,
    path,
    identity: { input: path, 'input size': String(found.size), 'input changed': found.mtime.toISOString() },
    progress,
    pieces: () => counted(input, progress, () => readPieces(path)),
  };
}

/** Large enough that a piece costs nothing beside what is in it. */
const PIECE_BYTES = 256 * 1024;

function readPieces(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Uint8Array>;
}

function pipedIn(name: string, path: string, open: () => AsyncIterable<Uint8Array>): InputBytes {
  const progress = { readBytes: 0, totalBytes: null };
  let isRead = false;
  return {
    name,
    path: null,
    identity: { input: path },
    progress,
    pieces: () => {
      if (isRead) throw new Error(`${name} can be read only once.`);
      isRead = true;
      return counted(name, progress, open);
    },
  };
}

async function* counted(
  name: string,
  progress: ByteProgress,
  open: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  progress.readBytes = 0;
  try {
    for await (const piece of open()) {
      progress.readBytes += piece.length;
      yield piece;
    }
  } catch (error) {
    throw new Error(`Reading ${name} failed: ${(error as Error).message}`, { cause: error });
  }
}
