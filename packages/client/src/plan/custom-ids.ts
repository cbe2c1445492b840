import { widened } from '@batchwright/core';
import { hashOfId, IdTable } from './id-table.ts';

/** The custom_ids of a scan, kept whole: 64 bytes each at most. */
export class CustomIds {
  readonly #table = new IdTable();
  #bytes = new Uint8Array(FIRST_BYTES);
  /** Where each begins, and the last ends. */
  #starts = new Float64Array(FIRST_IDS + 1);

  get count(): number {
    return this.#table.count;
  }

  /** The number of an id; -1: it has none yet. */
  find(id: string): number {
    return this.#table.under(hashOfId(id)).find((number) => this.at(number) === id) ?? -1;
  }

  /** Gives an id, which must be new and ASCII, the next number. */
  add(id: string): void {
    const { count } = this;
    const start = this.#starts[count] as number;
    if (start + id.length > this.#bytes.length) this.#bytes = widened(this.#bytes, this.#bytes.length * 2);
    if (count + 2 > this.#starts.length) this.#starts = widened(this.#starts, this.#starts.length * 2);
    for (let at = 0; at < id.length; at++) this.#bytes[start + at] = id.charCodeAt(at);
    this.#starts[count + 1] = start + id.length;
    this.#table.add(hashOfId(id));
  }

  at(number: number): string {
    return decoder.decode(this.#bytes.subarray(this.#starts[number], this.#starts[number + 1]));
  }
}

const decoder = new TextDecoder();
const FIRST_BYTES = 65_536;
const FIRST_IDS = 1024;
