import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { InputHost } from './bytes/input-bytes.ts';
import type { RequestSource } from './request-source.ts';

/** A directory of files to read, and a host that works in it. */
export interface InputDirectory {
  readonly path: string;
  readonly host: InputHost;
  write(name: string, content: string | Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

/** An empty directory; what is piped in is `stdin`, cut after every few bytes. */
export async function inputDirectory(stdin = ''): Promise<InputDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'batchwright-input-'));
  return {
    path,
    host: { cwd: path, stdin: () => piecesOf(Buffer.from(stdin), 7) },
    write: async (name, content) => {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    },
    remove: async () => rm(path, { recursive: true, force: true }),
  };
}

/** Bytes cut after every `size`. */
export async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

/** Everything an iteration gives. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export interface ReadRequest {
  readonly custom_id: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The requests of a source, parsed. */
export async function requestsOf(source: RequestSource): Promise<ReadRequest[]> {
  return (await all(source.requests())).map(({ line }) => JSON.parse(Buffer.from(line).toString()) as ReadRequest);
}

/** What the user of each request says: its text, or its blocks. */
export async function contentsOf(source: RequestSource): Promise<unknown[]> {
  return (await requestsOf(source)).map(({ params }) => (params['messages'] as { content: unknown }[])[0]?.content);
}

/** The message a promise rejects with, its directory written as DIR. */
export async function complaint(promise: Promise<unknown>, directory: InputDirectory): Promise<string> {
  const message = await promise.then(
    () => 'nothing was wrong',
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
  );
  return message.replaceAll(directory.path, 'DIR');
}
