import fc from 'fast-check';
import { expect, it } from 'vitest';
import { usdOf } from './usd.ts';

it.each([
  [0, '0.00'],
  [1, '0.000000001'],
  [9_518_400, '0.0095184'],
  [500_000_000, '0.50'],
  [535_950_000_000, '535.95'],
  [1_071_900_000_000, '1071.90'],
  [-1_250_000_000, '-1.25'],
  [Number.MAX_SAFE_INTEGER, '9007199.254740991'],
])('%i nano-dollars are $%s', (nanoUsd, usd) => {
  expect(usdOf(nanoUsd)).toBe(usd);
});

it('says every amount exactly', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (nanoUsd) => {
      const [, sign = '', dollars = '', decimals = ''] = /^(-?)(\d+)\.(\d{2,9})$/.exec(usdOf(nanoUsd)) ?? [];
      expect(BigInt(`${sign}${dollars}${decimals.padEnd(9, '0')}`)).toBe(BigInt(nanoUsd));
    }),
  );
});
