/** Numbers of requests whose fate is settled, from who settles them to who reads them, in order. */
export class SettledQueue {
  #requests: number[] = [];
  #head = 0;
  #isOver = false;
  #resume: (() => void) | null = null;

  push(request: number): void {
    this.#requests.push(request);
    this.#wake();
  }

  /** Nothing follows. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** The next number, as soon as there is one; null: there are no more. */
  async take(): Promise<number | null> {
    while (this.#head === this.#requests.length) {
      if (this.#isOver) return null;
      this.#requests = [];
      this.#head = 0;
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    const request = this.#requests[this.#head++] as number;
    if (this.#head === KEPT_NUMBERS) {
      this.#requests = this.#requests.slice(this.#head);
      this.#head = 0;
    }
    return request;
  }

  #wake(): void {
    this.#resume?.();
    this.#resume = null;
  }
}

/** Numbers that were read are let go of in portions, since each time the rest is moved. */
const KEPT_NUMBERS = 65_536;
