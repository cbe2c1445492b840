import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nanoUsdOf, usdOf } from './usd.ts';

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

it('reads every amount that it says, as text and as a number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (nanoUsd) => {
      expect(nanoUsdOf(usdOf(nanoUsd))).toBe(nanoUsd);
    }),
  );
  for (const usd of [12.5, 0.1, 0.000000001, 20, 1e6]) expect(nanoUsdOf(usd)).toBe(Math.round(usd * 1e9));
});

it.each([
  0,
  -1,
  '0',
  '0.00',
  '-1',
  '',
  ' 1',
  '1e3',
  '.5',
  '5.',
  '0.0000000001',
  1e-10,
  Infinity,
  NaN,
  '99999999',
  null,
  true,
])('takes %j for no amount', (value) => {
  expect(nanoUsdOf(value)).toBeNull();
});
