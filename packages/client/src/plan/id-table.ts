import { widened } from '@batchwright/core';

/**
 * Finds numbers by the ids they stand for. It keeps hashes and no ids: of two ids with one hash it answers both, and
 * whoever has the ids compares them. 14 to 21 bytes an id.
 */
export class IdTable {
  #count = 0;
  #hashes: Float64Array<ArrayBuffer>;
  /** Open addressing over the hashes: a number + 1; 0 is free. At most three quarters full. */
  #places: Uint32Array<ArrayBuffer>;

  /** `room`: for how many ids at first. */
  constructor(room = FEWEST) {
    this.#hashes = new Float64Array(Math.max(FEWEST, room));
    this.#places = new Uint32Array(placesFor(this.#hashes.length));
  }

  get count(): number {
    return this.#count;
  }

  /** Adds the next number, counted from 0, under its id's hash. */
  add(hash: number): void {
    if (this.#count === this.#hashes.length) this.#hashes = widened(this.#hashes, Math.ceil(this.#count * GROWTH));
    if (placesFor(this.#count + 1) > this.#places.length) this.#spreadOut();
    this.#hashes[this.#count] = hash;
    this.#place(this.#count++);
  }

  /** The numbers under a hash, in ascending order: most often none, or one. */
  under(hash: number): readonly number[] {
    let found: number[] | null = null;
    const mask = this.#places.length - 1;
    for (let place = spread(hash) & mask; this.#places[place] !== 0; place = (place + 1) & mask) {
      const number = (this.#places[place] as number) - 1;
      if (this.#hashes[number] === hash) (found ??= []).push(number);
    }
    return found ?? NONE;
  }

  #place(number: number): void {
    const mask = this.#places.length - 1;
    let place = spread(this.#hashes[number] as number) & mask;
    while (this.#places[place] !== 0) place = (place + 1) & mask;
    this.#places[place] = number + 1;
  }

  #spreadOut(): void {
    this.#places = new Uint32Array(this.#places.length * 2);
    for (let number = 0; number < this.#count; number++) this.#place(number);
  }
}

function placesFor(count: number): number {
  return 2 ** Math.ceil(Math.log2((count * 4) / 3));
}

const GROWTH = 1.25;
const FEWEST = 1024;
const NONE: readonly number[] = [];

/** 53 bits of an id. Two of a million ids have the same in one run of twenty thousand. */
export function hashOfId(id: string): number {
  let low = 0x9e37_79b9;
  let high = 0x85eb_ca6b;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x9e37_79b1);
    high = Math.imul(high ^ unit, 0x5f35_6495);
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (high >>> 16), 0x85eb_ca77) ^ high;
  high = Math.imul(high ^ (low >>> 15), 0xc2b2_ae3d) ^ low;
  return ((high ^ (high >>> 16)) >>> 11) * 0x1_0000_0000 + ((low ^ (low >>> 13)) >>> 0);
}

function spread(hash: number): number {
  return (hash | 0) ^ Math.imul((hash / 0x1_0000_0000) | 0, 0x9e37_79b1);
}
