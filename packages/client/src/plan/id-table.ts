/**
 * Finds numbers by the ids they stand for. It keeps hashes and no ids: of two ids with one hash it answers both, and
 * whoever has the ids compares them. 12 to 24 bytes a request.
 */
export class IdTable {
  #count = 0;
  #hashes = new Float64Array(FEWEST);
  /** Open addressing over the hashes: a number + 1; 0 is free. At most half full. */
  #places = new Uint32Array(FEWEST * 2);

  get count(): number {
    return this.#count;
  }

  /** Adds the next number, counted from 0, under its id's hash. */
  add(hash: number): void {
    if (this.#count === this.#hashes.length) this.#grow();
    this.#hashes[this.#count] = hash;
    this.#place(this.#count++);
  }

  /** The numbers under a hash, the first added first: most often none, or one. */
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

  #grow(): void {
    const hashes = new Float64Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#places = new Uint32Array(hashes.length * 2);
    for (let number = 0; number < this.#count; number++) this.#place(number);
  }
}

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
