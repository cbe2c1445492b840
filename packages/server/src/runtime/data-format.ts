import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One step of the directory's layout, from `from` to the next number. It may be run again after a crash half-way. */
export interface FormatMigration {
  readonly from: number;
  run(directory: string): Promise<void>;
}

/** What an older Batchwright wrote can be read as it is; only what is written from now on is more than that one knows. */
const nothingToChange = async (): Promise<void> => undefined;

/**
 * Every step so far, in order. The current format is one more than the last `from`.
 *
 *     1 → 2   indexes may have version 2, with traits; one that knows only version 1 would take them for damaged
 */
export const FORMAT_MIGRATIONS: readonly FormatMigration[] = [{ from: 1, run: nothingToChange }];

const FIRST_FORMAT = 1;

/** Thrown when a newer Batchwright has been at work in the directory. */
export class DataDirectoryTooNewError extends Error {
  override readonly name = 'DataDirectoryTooNewError';
}

/**
 * Reads `format.json`, writes it where the directory is new, and runs the steps that are missing. The number moves after
 * each step, by rename, so that a crash repeats a step and never skips one. Only the directory's owner may call it.
 */
export async function bringToCurrentFormat(
  directory: string,
  migrations: readonly FormatMigration[] = FORMAT_MIGRATIONS,
): Promise<void> {
  const current = (migrations.at(-1)?.from ?? FIRST_FORMAT - 1) + 1;
  const found = readFormat(directory);
  if (found === null) return writeFormat(directory, current);
  if (found > current) {
    throw new DataDirectoryTooNewError(
      `data directory ${directory} has format ${found}, and this Batchwright knows formats up to ${current}; ` +
        'run the newer Batchwright that wrote it, or choose another directory with --data-dir',
    );
  }
  for (const migration of migrations) {
    if (migration.from < found) continue;
    await migration.run(directory);
    writeFormat(directory, migration.from + 1);
  }
}

/** Null in a new directory. */
function readFormat(directory: string): number | null {
  const path = join(directory, 'format.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (existsSync(path)) throw new Error(`cannot read ${path}`, { cause });
    if (!existsSync(join(directory, 'catalog.db'))) return null;
    throw new Error(`${path} is missing beside a catalog; restore it from a backup of this directory`, { cause });
  }
  const format = formatIn(text);
  if (format === null) throw new Error(`${path} does not name a format; restore it from a backup of this directory`);
  return format;
}

function formatIn(text: string): number | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('format' in value)) return null;
    return Number.isInteger(value.format) ? Number(value.format) : null;
  } catch {
    // Not JSON; the caller says what to do.
    return null;
  }
}

function writeFormat(directory: string, format: number): void {
  const path = join(directory, 'format.json');
  const unfinished = `${path}.new`;
  const file = openSync(unfinished, 'w', 0o600);
  try {
    writeFileSync(file, `${JSON.stringify({ format })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, path);
  if (process.platform === 'win32') return; // There directories can be neither opened nor synced.
  const names = openSync(directory, 'r');
  try {
    fsyncSync(names);
  } finally {
    closeSync(names);
  }
}
