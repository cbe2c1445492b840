import { readFully, type SpoolFile } from './spool-files.ts';

const WINDOW_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Reads a file of lines forward in large steps. What it answers is valid until it is asked again. */
export class ForwardReader {
  readonly #file: SpoolFile;
  readonly #fileBytes: number;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(file: SpoolFile, fileBytes: number) {
    this.#file = file;
    this.#fileBytes = fileBytes;
  }

  /** Exactly these bytes, which must lie inside the file. */
  async bytes(position: number, length: number): Promise<Uint8Array> {
    const rest = await this.#from(position, length);
    if (rest.length < length) throw new Error(`file ends at ${position + rest.length}, before ${position + length}`);
    return rest.subarray(0, length);
  }

  /** The whole line that begins at `position`, its newline included; null where none ends before the file does. */
  async line(position: number): Promise<Uint8Array | null> {
    for (let length = 1; position < this.#fileBytes;) {
      const rest = await this.#from(position, length);
      const newline = rest.indexOf(NEWLINE);
      if (newline >= 0) return rest.subarray(0, newline + 1);
      if (rest.length < length || position + rest.length >= this.#fileBytes) return null;
      length = rest.length * 2;
    }
    return null;
  }

  /** All bytes at hand from `position`, at least `length` unless the file ends before. */
  async #from(position: number, length: number): Promise<Uint8Array> {
    const end = Math.min(position + length, this.#fileBytes);
    if (position < this.#start || end > this.#start + this.#bytes.length) {
      const bytes = new Uint8Array(Math.min(Math.max(length, WINDOW_BYTES), this.#fileBytes - position));
      this.#bytes = bytes.subarray(0, await readFully(this.#file, bytes, position));
      this.#start = position;
    }
    return this.#bytes.subarray(position - this.#start);
  }
}
