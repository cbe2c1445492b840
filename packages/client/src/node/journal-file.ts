import { open, type FileHandle } from 'node:fs/promises';
import type { JournalEntry } from '../journal/journal-entry.ts';
import { JournalDamageError } from '../journal/run-record.ts';
import { storeFailure } from './store-failure.ts';

const NEWLINE = 0x0a;

/**
 * The journal: a line of JSON an entry, each synced before the next is begun. So a crash can tear the last line and no
 * other, and what tore was never vouched for.
 */
export class JournalFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #entries: JournalEntry[];
  /** Of the lines that are whole; whatever lies beyond is written over. */
  #bytes: number;
  #turn: Promise<unknown> = Promise.resolve();

  static async open(path: string): Promise<JournalFile> {
    let file: FileHandle | null = null;
    try {
      const made = await open(path, 'a', 0o600);
      await made.close();
      file = await open(path, 'r+');
      const { entries, bytes } = wholeEntries(path, await file.readFile());
      await file.truncate(bytes);
      return new JournalFile(path, file, entries, bytes);
    } catch (cause) {
      await file?.close();
      throw cause instanceof JournalDamageError ? cause : storeFailure('reading', path, cause);
    }
  }

  private constructor(path: string, file: FileHandle, entries: JournalEntry[], bytes: number) {
    this.#path = path;
    this.#file = file;
    this.#entries = entries;
    this.#bytes = bytes;
  }

  get entries(): readonly JournalEntry[] {
    return [...this.#entries];
  }

  append(entry: JournalEntry): Promise<void> {
    const turn = this.#turn.then(() => this.#append(entry));
    // Whoever noted it sees the failure; the next entry is not touched by it.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  async #append(entry: JournalEntry): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      for (let at = 0; at < line.length;) {
        at += (await this.#file.write(line, at, line.length - at, this.#bytes + at)).bytesWritten;
      }
      await this.#file.datasync();
    } catch (cause) {
      // What was written of it must not be found: nothing was noted.
      await this.#file.truncate(this.#bytes).catch(() => undefined);
      throw storeFailure('writing', this.#path, cause);
    }
    this.#bytes += line.length;
    this.#entries.push(entry);
  }
}

/** The entries, and how many bytes they take. The last line may be torn; any other that cannot be read is damage. */
function wholeEntries(path: string, bytes: Buffer): { readonly entries: JournalEntry[]; readonly bytes: number } {
  const entries: JournalEntry[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    const entry = entryOf(bytes.toString('utf8', start, end));
    if (entry === null) {
      if (bytes.indexOf(NEWLINE, end + 1) === -1) break;
      throw new JournalDamageError(
        `${path} line ${entries.length + 1} is damaged, and what the run did is not known without it; ` +
          'restore the file, or start the run anew',
      );
    }
    entries.push(entry);
    start = end + 1;
  }
  return { entries, bytes: start };
}

function entryOf(line: string): JournalEntry | null {
  try {
    const entry = JSON.parse(line) as unknown;
    const isEntry = typeof entry === 'object' && entry !== null && 'type' in entry && typeof entry.type === 'string';
    return isEntry ? (entry as JournalEntry) : null;
  } catch {
    // Torn or damaged: whoever asked knows which by where the line is.
    return null;
  }
}
