/** Bytes appended piece by piece, in one array that doubles: hundreds of pieces leave a dozen arrays behind. */
export class GrowingBytes {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#length;
  }

  append(source: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** The bytes so far, valid until the next `append`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
