import { isUtf8 } from './runtime.ts';

/** Trailing bytes that begin a character whose rest has not come yet: 0 to 3. */
export function unfinishedBytes(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let back = 1; back <= Math.min(3, end); back++) {
    const byte = bytes[end - back] ?? 0;
    if ((byte & 0xc0) !== 0x80) return back < characterBytes(byte) ? back : 0;
  }
  return 0;
}

/** Bytes of the character that `lead` begins. Leads that begin none are found out once their bytes are complete. */
function characterBytes(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/**
 * Whether a stream of bytes is UTF-8, chunk by chunk. A character cut by a chunk's end is held back, at most 3 bytes;
 * the answer never depends on where the stream was cut.
 */
export class Utf8Check {
  readonly #held = new Uint8Array(4);
  #heldBytes = 0;
  #checkedBytes = 0;

  reset(): void {
    this.#heldBytes = 0;
    this.#checkedBytes = 0;
  }

  /** Offset in the stream of the first sequence that is no character, or null. Nothing may follow an offset. */
  feed(chunk: Uint8Array): number | null {
    const completing = this.#complete(chunk);
    if (completing === null) return this.#checkedBytes;
    const rest = completing === 0 ? chunk : chunk.subarray(completing);
    const unfinished = this.#heldBytes > 0 ? 0 : unfinishedBytes(rest);
    const whole = unfinished === 0 ? rest : rest.subarray(0, rest.length - unfinished);
    if (!isUtf8(whole)) return this.#checkedBytes + firstInvalidByte(whole);
    this.#checkedBytes += whole.length;
    if (unfinished > 0) {
      this.#held.set(rest.subarray(rest.length - unfinished));
      this.#heldBytes = unfinished;
    }
    return null;
  }

  /** As `feed`, for the end of the stream. */
  finish(): number | null {
    return this.#heldBytes > 0 ? this.#checkedBytes : null;
  }

  /** Takes what the held character lacks; answers how many bytes that were, or null when they do not continue it. */
  #complete(chunk: Uint8Array): number | null {
    let taken = 0;
    while (this.#heldBytes > 0 && taken < chunk.length) {
      const byte = chunk[taken++] ?? 0;
      if ((byte & 0xc0) !== 0x80) return null;
      this.#held[this.#heldBytes++] = byte;
      if (this.#heldBytes === characterBytes(this.#held[0] ?? 0)) {
        if (!isUtf8(this.#held.subarray(0, this.#heldBytes))) return null;
        this.#checkedBytes += this.#heldBytes;
        this.#heldBytes = 0;
      }
    }
    return taken;
  }
}

/** Where the first sequence begins that is no character, of bytes known to hold one. Bisects on `isUtf8`. */
function firstInvalidByte(bytes: Uint8Array): number {
  const validBytes = (length: number): number | null => {
    const prefix = bytes.subarray(0, length);
    const whole = length - unfinishedBytes(prefix);
    return isUtf8(prefix.subarray(0, whole)) ? whole : null;
  };
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    if (validBytes(middle) === null) invalid = middle;
    else valid = middle;
  }
  return validBytes(valid) ?? 0;
}
