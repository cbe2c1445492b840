import { describe, expect, it } from 'vitest';
import { makeBody, makeParams, type BodyKind } from './request-bodies.ts';

interface Parsed {
  readonly requests: readonly { readonly custom_id: string; readonly params: unknown }[];
}

const KINDS: readonly (readonly [BodyKind, number])[] = [
  ['prose', 2550],
  ['escapes', 2430],
  ['tiny', 157],
];

describe('bodies', () => {
  it.each(KINDS)('of %s are JSON with distinct custom_ids, and about %d bytes a request', (kind, bytes) => {
    const body = makeBody(kind, 1000);
    const { requests } = JSON.parse(body.toString('utf8')) as Parsed;
    expect(new Set(requests.map((request) => request.custom_id)).size).toBe(1000);
    expect(Math.abs(body.length / 1000 - bytes)).toBeLessThan(bytes * 0.08);
  });

  it('are the same every time', () => {
    expect(makeBody('escapes', 50).equals(makeBody('escapes', 50))).toBe(true);
  });

  it('carry exactly the params that clients of the baseline send', () => {
    const { requests } = JSON.parse(makeBody('prose', 600).toString('utf8')) as Parsed;
    expect(requests[599]?.params).toEqual(JSON.parse(makeParams('prose')(599)));
  });

  it('of escapes hold a backslash at least every 16 bytes or a character of several bytes', () => {
    const body = makeBody('escapes', 100);
    const marks = body.filter((byte) => byte === 0x5c || byte > 0x7f).length;
    expect(body.length / marks).toBeLessThan(16);
  });
});
