import { expect, test } from 'vitest';
import { isSound } from './driver.ts';

test.each([
  [undefined, false],
  ['', false],
  ['3.50.4', false],
  ['3.51.2', false],
  ['3.51.3', true],
  ['3.53.0', true],
  ['4.0.0', true],
])('SQLite %s is trusted: %s', (version, trusted) => {
  expect(isSound(version)).toBe(trusted);
});
