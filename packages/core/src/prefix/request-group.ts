/** Some requests of a batch: how many, and the first few by number. */
export interface RequestGroup {
  readonly count: number;
  readonly examples: readonly number[];
}

/** Whoever wants to see for himself needs no more. */
const EXAMPLES = 3;

export class RequestGroupBuilder {
  readonly #examples: number[] = [];
  #count = 0;

  add(request: number): void {
    this.#count += 1;
    if (this.#examples.length < EXAMPLES) this.#examples.push(request);
  }

  get group(): RequestGroup {
    return { count: this.#count, examples: this.#examples };
  }
}
