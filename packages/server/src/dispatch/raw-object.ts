import { Members } from '@batchwright/scan';

/**
 * A JSON object kept as the bytes it came in, with some of its members given other values. Written out again it has the
 * same keys in the same order, and what was not replaced in its own spelling; new keys follow at the end.
 */
export class RawObject {
  readonly bytes: Buffer;
  readonly #replaced = new Map<string, readonly Buffer[]>();

  /** `bytes` are exactly one sound JSON object, and this one's to keep. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Gives a member a value, in pieces of JSON that are this object's to keep. */
  replace(key: string, value: readonly Buffer[]): void {
    this.#replaced.set(key, value);
  }

  /** Appends the pieces of the object as it is now. */
  write(pieces: Buffer[]): void {
    if (this.#replaced.size === 0) return void pieces.push(this.bytes);
    const members = new Members(this.bytes, 0);
    const added = new Map(this.#replaced);
    let from = 0;
    let isEmpty = true;
    while (members.next()) {
      isEmpty = false;
      const key = members.key();
      const value = this.#replaced.get(key);
      members.skip();
      if (value === undefined) continue;
      added.delete(key);
      pieces.push(this.bytes.subarray(from, members.valueStart), ...value);
      from = members.valueEnd;
    }
    const closing = members.end - 1;
    pieces.push(this.bytes.subarray(from, closing));
    for (const [key, value] of added) {
      pieces.push(Buffer.from(`${isEmpty ? '' : ','}${JSON.stringify(key)}:`), ...value);
      isEmpty = false;
    }
    pieces.push(this.bytes.subarray(closing));
  }
}
