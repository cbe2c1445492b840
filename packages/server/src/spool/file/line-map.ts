/**
 * Where the lines of a results log lie and what their checksums are, by position, without holding either: of every
 * 4,096 entries of the done log one number is kept, and the entries themselves are read again, and checked again, by
 * whoever needs them. A batch of 100,000 requests takes 200 bytes here and 64 KB in whoever reads its results.
 *
 *     done.log        H │ e e e … e │ e e e … e │ e e
 *     results.jsonl     │ stretch 0 │ stretch 1 │
 *                       └ starts[0] └ starts[1] └ starts[2]
 */
import { countUpTo } from './count-up-to.ts';
import {
  doneLogHeader,
  ENTRY_BYTES,
  ENTRY_WORDS,
  linesFrom,
  STRETCH_ENTRIES,
  type DoneLogWalk,
  type LineStretch,
} from './done-log-format.ts';
import { readFully, type SpoolFile } from './spool-files.ts';

/** Lines from `start` on, back to back. */
export interface MappedLines extends LineStretch {
  readonly start: number;
}

export class LineMap {
  /** Where in the results the lines of each stretch begin. */
  readonly #starts: number[];
  #entries: number;
  #bytes: number;
  #provenBytes: number;
  #damagedAt: number | null = null;
  /** One walk at a time: readers share the map of a log that is open. */
  #walk: Promise<void> = Promise.resolve();

  /** Begins where a recovery's walk found the last marker, or else at the beginning. */
  constructor(walk: Pick<DoneLogWalk, 'starts' | 'tailEntry' | 'provenBytes'> | null = null) {
    this.#starts = [...(walk?.starts ?? [])];
    this.#entries = (walk?.tailEntry ?? 1) - 1;
    this.#bytes = walk?.provenBytes ?? 0;
    this.#provenBytes = this.#bytes;
  }

  /** How many bytes of results the lines fill that were found so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The length of the results that the last marker found so far proves to be synced. */
  get provenBytes(): number {
    return this.#provenBytes;
  }

  /** Where in the done log the last walk met an entry that is damaged or torn; null when it met none. */
  get damagedAt(): number | null {
    return this.#damagedAt;
  }

  /** Walks on, from where the last walk ended, to the end of the done log or to where its lines reach `limitBytes`. */
  extend(doneLog: SpoolFile, limitBytes: number): Promise<void> {
    this.#walk = this.#walk.catch(() => undefined).then(() => this.#walkOn(doneLog, limitBytes));
    return this.#walk;
  }

  /**
   * The lines around a position, which must be less than `bytes`; a number instead when the entries there are not what
   * they were when they were walked: the byte of the done log where they begin.
   */
  async linesAround(done: SpoolFile, position: number): Promise<MappedLines | number> {
    const stretch = this.#stretchOf(position);
    const first = stretch * STRETCH_ENTRIES;
    const start = this.#starts[stretch] ?? 0;
    const end = this.#starts[stretch + 1] ?? this.#bytes;
    const wanted = Math.min(STRETCH_ENTRIES, this.#entries - first);
    const lines = linesFrom(await readEntries(done, first, wanted), start, this.#bytes);
    return lines.count > 0 && lines.ends[lines.count - 1] === end ? { ...lines, start } : entryOffset(first);
  }

  async #walkOn(done: SpoolFile, limitBytes: number): Promise<void> {
    if (this.#bytes >= limitBytes) return;
    const fileBytes = await done.size();
    const total = Math.floor(fileBytes / ENTRY_BYTES) - 1;
    this.#damagedAt = (await hasHeader(done)) ? null : 0;
    while (this.#damagedAt === null && this.#entries < total && this.#bytes < limitBytes) {
      if (this.#entries % STRETCH_ENTRIES === 0) this.#starts[this.#entries / STRETCH_ENTRIES] = this.#bytes;
      const wanted = Math.min(total - this.#entries, STRETCH_ENTRIES - (this.#entries % STRETCH_ENTRIES));
      const lines = linesFrom(await readEntries(done, this.#entries, wanted), this.#bytes, limitBytes);
      this.#entries += lines.entries;
      this.#bytes = lines.ends[lines.count - 1] ?? this.#bytes;
      this.#provenBytes = lines.provenBytes ?? this.#provenBytes;
      if (lines.entries < wanted && this.#bytes < limitBytes) this.#damagedAt = entryOffset(this.#entries);
    }
    if (this.#damagedAt === null && this.#bytes < limitBytes && fileBytes % ENTRY_BYTES !== 0) {
      this.#damagedAt = entryOffset(total);
    }
  }

  /** The last stretch that begins at or before a position. */
  #stretchOf(position: number): number {
    return Math.max(0, countUpTo(this.#starts, this.#starts.length, position) - 1);
  }
}

/** Entries are counted behind the header. */
const entryOffset = (entry: number): number => (entry + 1) * ENTRY_BYTES;

async function hasHeader(done: SpoolFile): Promise<boolean> {
  const header = new Uint8Array(ENTRY_BYTES);
  await readFully(done, header, 0);
  return doneLogHeader().every((byte, i) => header[i] === byte);
}

/** As many of the entries as the file still has. */
async function readEntries(done: SpoolFile, first: number, count: number): Promise<Uint32Array> {
  const bytes = new Uint8Array(count * ENTRY_BYTES);
  const read = await readFully(done, bytes, entryOffset(first));
  return new Uint32Array(bytes.buffer, 0, Math.floor(read / ENTRY_BYTES) * ENTRY_WORDS);
}
