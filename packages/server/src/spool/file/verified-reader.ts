/**
 * Reads results and holds every line against the checksum that the done log has of it. The last byte of a line is given
 * out only when the whole line matched, so that nobody gets a damaged line whole: a download breaks off inside it.
 *
 * What is checked is what is handed over, in the same memory; of the done log 64 KB are held at a time. A read that
 * begins inside a line reads the line's beginning first, since a checksum covers all of it.
 */
import { crc32 } from 'node:zlib';
import { countUpTo } from './count-up-to.ts';
import type { ResultReader } from '../spool.ts';
import type { StoredFile } from '../stored-damage.ts';
import type { LineMap, MappedLines } from './line-map.ts';
import { readFully, type SpoolFile } from './spool-files.ts';

const HEAD_BYTES = 64 * 1024;

/** What a verified reader reads, and whom it tells. */
export interface VerifiedSource {
  readonly results: SpoolFile;
  readonly done: SpoolFile;
  readonly map: LineMap;
  /** How much of the results is to be read; the map reaches as far. */
  readonly bytes: number;
  /** Called once, when every line was read and matched. */
  onWhole(): Promise<void>;
  /** What to throw for damage found in one of the files. */
  damage(file: StoredFile, byte: number, finding: string): Error;
}

export class VerifiedReader implements ResultReader {
  readonly bytes: number;
  readonly #source: VerifiedSource;
  #lines: MappedLines | null = null;
  /** The line that is being checked, as an index of `#lines`; `#crc` is that of its bytes before `#position`. */
  #line = 0;
  #position = 0;
  #crc = 0;
  /** Every line before this matched. */
  #checkedBytes = 0;
  #isWhole = false;

  constructor(source: VerifiedSource) {
    this.#source = source;
    this.bytes = source.bytes;
  }

  /** Never past `bytes`, so that a length that was promised to a client holds while the log grows. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const wanted = Math.min(target.length, this.bytes - position);
    if (wanted <= 0) return 0;
    const count = await this.#source.results.read(target.subarray(0, wanted), position);
    if (count === 0) throw this.#cutAt(position);
    await this.#check(target.subarray(0, count), position);
    return count;
  }

  async close(): Promise<void> {
    await Promise.all([this.#source.results.close(), this.#source.done.close()]);
  }

  async #check(bytes: Uint8Array, position: number): Promise<void> {
    if (position !== this.#position) await this.#seek(position);
    for (let from = 0; from < bytes.length;) {
      const lines = await this.#linesHere();
      const lineEnd = lines.ends[this.#line] ?? 0;
      const to = Math.min(bytes.length, from + lineEnd - this.#position);
      this.#crc = crc32(bytes.subarray(from, to), this.#crc);
      this.#position += to - from;
      from = to;
      if (this.#position === lineEnd) this.#endLine(lines);
    }
    if (this.#checkedBytes < this.bytes || this.#isWhole) return;
    this.#isWhole = true;
    await this.#source.onWhole();
  }

  #endLine(lines: MappedLines): void {
    const start = startOf(lines, this.#line);
    const isRight = this.#crc === lines.crcs[this.#line];
    this.#line++;
    this.#crc = 0;
    if (!isRight) throw this.#source.damage('results.jsonl', start, 'the line there does not match its checksum');
    if (start <= this.#checkedBytes) this.#checkedBytes = Math.max(this.#checkedBytes, this.#position);
  }

  /** The lines at hand, or the next ones when these are through. */
  async #linesHere(): Promise<MappedLines> {
    if (this.#lines !== null && this.#line < this.#lines.count) return this.#lines;
    const lines = await this.#load(this.#position);
    this.#line = lineAround(lines, this.#position);
    return lines;
  }

  /** Goes to the line around a position, and reads its bytes before that. */
  async #seek(position: number): Promise<void> {
    const held = this.#lines;
    const isHeld = held !== null && position >= held.start && position < (held.ends[held.count - 1] ?? 0);
    const lines = isHeld ? held : await this.#load(position);
    this.#line = lineAround(lines, position);
    this.#position = startOf(lines, this.#line);
    this.#crc = 0;
    const head = new Uint8Array(Math.min(HEAD_BYTES, position - this.#position));
    while (this.#position < position) {
      const part = head.subarray(0, position - this.#position);
      if ((await readFully(this.#source.results, part, this.#position)) < part.length) throw this.#cutAt(position);
      this.#crc = crc32(part, this.#crc);
      this.#position += part.length;
    }
  }

  async #load(position: number): Promise<MappedLines> {
    const lines = await this.#source.map.linesAround(this.#source.done, position);
    if (typeof lines === 'number') {
      throw this.#source.damage('done.log', lines, 'an entry behind that does not match its checksum');
    }
    this.#lines = lines;
    return lines;
  }

  #cutAt(byte: number): Error {
    return this.#source.damage('results.jsonl', byte, `it has no more bytes there, and should have ${this.bytes}`);
  }
}

function startOf(lines: MappedLines, line: number): number {
  return line === 0 ? lines.start : (lines.ends[line - 1] ?? 0);
}

/** The line that a position lies in. */
function lineAround({ ends, count }: MappedLines, position: number): number {
  return Math.min(countUpTo(ends, count, position), count - 1);
}
