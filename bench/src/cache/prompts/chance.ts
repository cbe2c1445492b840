import { scattered } from './prompt-table.ts';

/** Chance that comes out the same each time: the seed's. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = scattered(seed);
  }

  /** From 0 up to 1. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return scattered(this.#state) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  /** All numbers below `count`, in any order. */
  shuffled(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.between(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}

/** Draws of few that are frequent and many that are rare: the kth of `count` has a weight of k^-exponent. */
export class Zipf {
  readonly #upTo: Float64Array;

  constructor(count: number, exponent: number) {
    let sum = 0;
    this.#upTo = Float64Array.from({ length: count }, (_, k) => (sum += (k + 1) ** -exponent));
  }

  draw(chance: Chance): number {
    const total = this.#upTo.at(-1) ?? 0;
    const drawn = chance.unit() * total;
    let [low, high] = [0, this.#upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#upTo[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
