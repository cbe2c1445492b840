/**
 * Answers as a directory with a file for each, `{custom_id}.json`: what the server sent, indented. The files are made in
 * a directory beside it, which takes the name when all are there. Where a directory of that name holds something, the
 * files are moved into it one by one instead: it may hold what is not ours, and answers of other runs stay.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { syncDirectory } from '@batchwright/client/node';
import { CUSTOM_ID_PATTERN } from '@batchwright/protocol';
import type { Answer, AnswerWriter } from './answer-writer.ts';
import { stage, unstage, type Staging } from './staging.ts';

/** Files under way at once. Each waits for its own sync of the disk, and many syncs at once become one. */
const MOST_AT_ONCE = 16;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Makes a directory, or adds to one. */
export async function directoryAnswers(path: string): Promise<AnswerWriter> {
  const staging = await stage(path);
  await mkdir(staging.path);
  const files = new FilesUnderWay();
  return {
    write: (answer) => files.start(() => writeAnswer(staging.path, answer)),
    finish: async () => {
      await files.settle();
      await syncDirectory(staging.path);
      await publish(staging);
    },
    discard: async () => {
      // What failed was told by the write after it; here nothing may still be written to what is removed.
      await files.settle().catch(() => undefined);
      await unstage(staging);
    },
  };
}

/** The name of an answer's file. Ids of the API's form are taken as they are; no other may lead out of the directory. */
export function fileNameOf(customId: string, platform: string = process.platform): string {
  const isSafe = SAFE.test(customId) && !(platform === 'win32' && RESERVED.test(customId));
  return isSafe ? `${customId}.json` : distinctName(customId);
}

const SAFE = new RegExp(CUSTOM_ID_PATTERN);

/** Devices, whatever their extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

/** No custom_id has a tilde, so this is nobody else's name. */
function distinctName(customId: string): string {
  const hash = createHash('sha256').update(customId).digest('hex').slice(0, 12);
  return `${customId.replaceAll(/[^\w-]/g, '_').slice(0, 64)}~${hash}.json`;
}

async function writeAnswer(directory: string, { customId, line }: Answer): Promise<void> {
  const text = `${JSON.stringify(JSON.parse(UTF8.decode(line)), null, 2)}\n`;
  const options = { flag: 'wx', flush: true };
  try {
    await writeFile(join(directory, fileNameOf(customId)), text, options);
  } catch (error) {
    // The directory was empty, so a name that is taken differs in case only, where the file system tells no difference.
    if (!isCode(error, 'EEXIST')) throw error;
    await writeFile(join(directory, distinctName(customId)), text, options);
  }
}

async function publish({ path, target }: Staging): Promise<void> {
  try {
    await rename(path, target);
  } catch (error) {
    const isThere = ['ENOTEMPTY', 'EEXIST', 'EPERM'].some((code) => isCode(error, code));
    if (!isThere) throw error;
    await moveInto(path, target);
  }
  await syncDirectory(dirname(target));
}

async function moveInto(path: string, target: string): Promise<void> {
  const files = new FilesUnderWay();
  for (const name of await readdir(path)) await files.start(() => rename(join(path, name), join(target, name)));
  await files.settle();
  await syncDirectory(target);
  await unstage({ path, target });
}

/** A bounded number of steps at once; the first failure is told by whatever comes next. */
class FilesUnderWay {
  readonly #steps = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  async start(step: () => Promise<void>): Promise<void> {
    while (this.#steps.size >= MOST_AT_ONCE) await Promise.race(this.#steps);
    this.#tell();
    const running = step()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#steps.delete(running));
    this.#steps.add(running);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#steps);
    this.#tell();
  }

  #tell(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
