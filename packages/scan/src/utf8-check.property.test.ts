import fc from 'fast-check';
import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { Utf8Check } from './utf8-check.ts';

/** Bytes of which every sort of sequence is made, right and wrong. */
const byte = fc.constantFrom(
  0x41,
  0x80,
  0x9f,
  0xbf,
  0xc0,
  0xc3,
  0xe0,
  0xa0,
  0xed,
  0xe6,
  0xf0,
  0x90,
  0xf4,
  0x8f,
  0xf8,
  0xff,
);
const bytes = fc.array(byte, { maxLength: 12 }).map((list) => Uint8Array.from(list));
const text = fc
  .array(fc.constantFrom('a', 'é', '漢', '😀'), { maxLength: 8 })
  .map((c) => new TextEncoder().encode(c.join('')));
const mixed = fc.tuple(text, fc.oneof(text, bytes), text).map((parts) => Uint8Array.from(parts.flatMap((p) => [...p])));

function check(document: Uint8Array, cuts: readonly number[]): number | null {
  const utf8 = new Utf8Check();
  let from = 0;
  for (const to of [...cuts, document.length]) {
    const invalid = utf8.feed(document.subarray(from, to));
    if (invalid !== null) return invalid;
    from = to;
  }
  return utf8.finish();
}

/** Where decoding stops, found the slow way: the longest valid start ends where the first wrong sequence begins. */
function firstInvalid(document: Uint8Array): number | null {
  if (isUtf8(document)) return null;
  let valid = 0;
  for (let length = 0; length <= document.length; length++) if (isUtf8(document.subarray(0, length))) valid = length;
  return valid;
}

describe('the UTF-8 check', () => {
  it('finds the first sequence that is no character, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(mixed, fc.array(fc.nat(20), { maxLength: 6 }), (document, offsets) => {
        const cuts = offsets.filter((offset) => offset <= document.length).sort((a, b) => a - b);
        expect(check(document, cuts)).toBe(firstInvalid(document));
      }),
      { numRuns: 5_000 },
    );
  });

  it('finds it in a long chunk', () => {
    const document = new TextEncoder().encode('漢😀é'.repeat(10_000));
    expect(check(document, [])).toBeNull();
    document[45_000] = 0xff;
    expect(check(document, [])).toBe(45_000);
  });
});
