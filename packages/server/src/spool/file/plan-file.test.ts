import { expect, test } from 'vitest';
import { decodePlanFile, planPieces } from './plan-file.ts';

const PLAN = Uint8Array.from({ length: 300 }, (_, i) => i * 11);
const file = (): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.concat(planPieces(PLAN)));

test('a plan comes back as it was stored', () => {
  expect(decodePlanFile(file())).toEqual(PLAN);
});

test('a plan that was cut anywhere is no plan', () => {
  for (let length = 0; length < PLAN.length + 4; length++) expect(decodePlanFile(file().slice(0, length))).toBeNull();
});

test('a plan with any byte changed is no plan', () => {
  for (let at = 0; at < PLAN.length + 4; at++) {
    const bytes = file();
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    expect(decodePlanFile(bytes)).toBeNull();
  }
});
