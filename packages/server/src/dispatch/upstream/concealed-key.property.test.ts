import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyConcealer } from './concealed-key.ts';
import type { UpstreamEvents } from './upstream.ts';

const KEY = 'aab-aab-aaab';

/** What is told of a body that comes in these pieces. */
function toldOf(status: number, pieces: readonly string[]): string {
  const told: Buffer[] = [];
  let ends = 0;
  const concealer = new KeyConcealer(
    {
      onHead: () => undefined,
      onData: (chunk) => void told.push(Buffer.from(chunk)),
      onEnd: () => void ends++,
      onFailure: () => expect.unreachable(),
    },
    Buffer.from(KEY),
  );
  concealer.onHead(status, {});
  for (const piece of pieces) concealer.onData(Buffer.from(piece));
  concealer.onEnd();
  expect(ends).toBe(1);
  return Buffer.concat(told).toString();
}

describe('what an upstream says of an error', () => {
  const words = fc.array(fc.constantFrom(KEY, KEY.slice(0, 5), KEY.slice(4), 'a', 'b', '-', 'other words'));
  const cuts = fc.array(fc.nat({ max: 80 }));

  it('is told without the key, wherever it is cut', () => {
    fc.assert(
      fc.property(words, cuts, (body, at) => {
        const text = body.join('');
        const places = [0, ...at.map((place) => Math.min(place, text.length)), text.length].toSorted((a, b) => a - b);
        const pieces = places.slice(1).map((place, i) => text.slice(places[i], place));
        expect(toldOf(400, pieces)).toBe(text.replaceAll(KEY, '*'.repeat(KEY.length)));
      }),
    );
  });

  it('is told as it is when it was no error', () => {
    expect(toldOf(200, [`${KEY} `, KEY])).toBe(`${KEY} ${KEY}`);
  });

  it('is told to be lent where it is', () => {
    const lent: unknown[] = [];
    const events = { onHead: () => undefined, onEnd: () => undefined, onFailure: () => undefined };
    const concealer = new KeyConcealer(
      { ...events, onData: (...[, isLast]: Parameters<UpstreamEvents['onData']>) => void lent.push(isLast) },
      Buffer.from(KEY),
    );
    concealer.onHead(200, {});
    concealer.onData(Buffer.from('first'), false);
    concealer.onData(Buffer.from('last'), true);
    expect(lent).toEqual([false, true]);
  });
});
