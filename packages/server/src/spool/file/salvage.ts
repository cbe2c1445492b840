/**
 * Whole lines found behind garbage at recovery are copied into `results.salvage` before the garbage is cut, and
 * committed from there as if they had just arrived. The file goes only after that, so a crash on the way loses none.
 */
import { join } from 'node:path';
import { readResultLine } from '../result-line.ts';
import type { ResultRow } from '../spool.ts';
import { errorCode } from '../spool-failure.ts';
import { ForwardReader } from './forward-reader.ts';
import type { FileResultLog } from './result-log.ts';
import { writeFully, type SpoolFile, type SpoolFiles } from './spool-files.ts';

const COMMIT_BYTES = 1024 * 1024;
const NEWLINE = new Uint8Array([0x0a]);

const salvagePath = (directory: string): string => join(directory, 'results.salvage');

/** Puts lines aside, behind those that an earlier crash may have left there. */
export class SalvageWriter {
  readonly #files: SpoolFiles;
  readonly #directory: string;
  #file: SpoolFile | null = null;
  #bytes = 0;

  constructor(files: SpoolFiles, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  async put(line: Uint8Array): Promise<void> {
    this.#file ??= await this.#open();
    await writeFully(this.#file, line, this.#bytes);
    this.#bytes += line.length;
  }

  /** Makes the lines durable. */
  async finish(): Promise<void> {
    await this.#file?.datasync();
    await this.#files.syncDirectory(this.#directory);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  async #open(): Promise<SpoolFile> {
    const file = await this.#files.open(salvagePath(this.#directory), 'write');
    this.#bytes = await file.size();
    if (this.#bytes > 0) {
      // The last line there may be torn; a newline keeps the next one apart from it.
      await writeFully(file, NEWLINE, this.#bytes);
      this.#bytes += NEWLINE.length;
    }
    return file;
  }
}

/** Commits what was put aside, once each, and removes the file. Answers whether there was one. */
export async function commitSalvage(
  files: SpoolFiles,
  directory: string,
  log: FileResultLog,
  find: (customId: string) => Promise<number | undefined>,
): Promise<boolean> {
  let file: SpoolFile;
  try {
    file = await files.open(salvagePath(directory), 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    await commitLines(new ForwardReader(file, await file.size()), log, find);
  } finally {
    await file.close();
  }
  await files.remove(salvagePath(directory));
  await files.syncDirectory(directory);
  return true;
}

async function commitLines(
  reader: ForwardReader,
  log: FileResultLog,
  find: (customId: string) => Promise<number | undefined>,
): Promise<void> {
  const group = new Map<number, { readonly row: ResultRow; readonly line: Uint8Array }>();
  let groupBytes = 0;
  let position = 0;
  const flush = async () => {
    const taken = [...group.values()];
    await log.commit({ lines: Buffer.concat(taken.map(({ line }) => line)), rows: taken.map(({ row }) => row) });
    group.clear();
    groupBytes = 0;
  };
  for (let line = await reader.line(position); line !== null; line = await reader.line(position)) {
    position += line.length;
    const parsed = readResultLine(line);
    const request = parsed === null ? undefined : await find(parsed.customId);
    if (parsed === null || request === undefined || log.isSettled(request) || group.has(request)) continue;
    group.set(request, { row: { request, type: parsed.type, lineBytes: line.length }, line: Uint8Array.from(line) });
    groupBytes += line.length;
    if (groupBytes >= COMMIT_BYTES) await flush();
  }
  await flush();
}
