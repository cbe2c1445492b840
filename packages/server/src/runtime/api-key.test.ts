import { describe, expect, it } from 'vitest';
import { hashApiKey, keyHint, makeApiKey } from './api-key.ts';

const ones = (length: number): Uint8Array => new Uint8Array(length).fill(255);

describe('api keys', () => {
  it('are the prefix and 43 base64url characters of 32 random bytes', () => {
    const key = makeApiKey(ones);
    expect(key).toMatch(/^sk-bw-[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(key.slice(6), 'base64url')).toEqual(Buffer.from(ones(32)));
  });

  it('are hashed to lower-case hex SHA-256', () => {
    expect(hashApiKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('are hinted at by their first eight and last four characters', () => {
    expect(keyHint(`sk-bw-ab${'x'.repeat(37)}wxyz`)).toBe('sk-bw-ab…wxyz');
  });

  it.each(['secret', 'x', 'short-key-of-23-letters'])('are never shown whole: %s', (key) => {
    const shown = keyHint(key).replace('…', '');
    expect(shown.length).toBeLessThanOrEqual(key.length / 4);
  });
});
