/**
 * Seeded hashing: the simulator's only source of variety. Fast and well spread, not cryptographic; the same input
 * gives the same output on every machine, which is what makes a simulated answer reproducible.
 */
export class Hasher {
  #a: number;
  #b: number;

  constructor(seed: number) {
    this.#a = 0xdeadbeef ^ seed;
    this.#b = 0x41c6ce57 ^ Math.imul(seed, 0x9e3779b1);
  }

  text(value: string): this {
    let a = this.#a;
    let b = this.#b;
    // Two characters at a time: prompts are long, and each step waits for the one before it.
    const paired = value.length & ~1;
    for (let i = 0; i < paired; i += 2) {
      const units = value.charCodeAt(i) | (value.charCodeAt(i + 1) << 16);
      a = Math.imul(a ^ units, 0x9e3779b1);
      b = Math.imul(b ^ units, 0x5f356495) ^ (b >>> 15);
    }
    if (paired < value.length) {
      a = Math.imul(a ^ value.charCodeAt(paired), 0x9e3779b1);
      b = Math.imul(b ^ value.charCodeAt(paired), 0x5f356495);
    }
    this.#a = a;
    this.#b = b;
    // The length keeps "ab","c" and "a","bc" apart.
    return this.integer(value.length);
  }

  integer(value: number): this {
    this.#a = Math.imul(this.#a ^ (value >>> 0), 0x85ebca6b) ^ (this.#b >>> 15);
    this.#b = Math.imul(this.#b ^ (value >>> 0), 0xc2b2ae35) ^ (this.#a >>> 13);
    return this;
  }

  /** An integer of up to 53 bits, such as `word53` gives. */
  integer53(value: number): this {
    return this.integer(value).integer(Math.floor(value / 2 ** 32));
  }

  /** 16 hex digits. */
  hex(): string {
    return hex8(this.#mixed(this.#a, this.#b)) + hex8(this.#mixed(this.#b, this.#a));
  }

  /** A number from 0 up to 1. */
  unit(): number {
    return this.#mixed(this.#a, this.#b) / 2 ** 32;
  }

  /** A 32-bit number, to seed another hasher or to be kept. */
  word(): number {
    return this.#mixed(this.#a, this.#b);
  }

  /** A 53-bit number: wide enough to tell prompts apart, and still exact. */
  word53(): number {
    return this.#mixed(this.#a, this.#b) * 2 ** 21 + (this.#mixed(this.#b, this.#a) >>> 11);
  }

  #mixed(x: number, y: number): number {
    let mixed = Math.imul(x ^ (x >>> 16), 0x85ebca6b) ^ Math.imul(y ^ (y >>> 13), 0xc2b2ae35);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }
}

/** A seed as people give it, as the hasher wants it. */
export function seedOf(seed: number | string): number {
  return new Hasher(0).text(String(seed)).word();
}

function hex8(word: number): string {
  return word.toString(16).padStart(8, '0');
}
