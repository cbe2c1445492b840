import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerValue, retryAfterMs, shouldRetry, upstreamRequestId } from './answer-headers.ts';

const NOW = Date.parse('2026-11-21T09:00:00.000Z');

describe('retry-after', () => {
  it.each([
    ['whole seconds', { 'retry-after': '7' }, 7000],
    ['decimals', { 'retry-after': '0.25' }, 250],
    ['a fraction of a millisecond, rounded up', { 'retry-after': '0.0001' }, 1],
    ['none at all', { 'retry-after': '0' }, 0],
    ['a date', { 'retry-after': 'Sat, 21 Nov 2026 09:00:30 GMT' }, 30_000],
    ['a date that has passed', { 'retry-after': 'Sat, 21 Nov 2026 08:00:30 GMT' }, 0],
    ['milliseconds, which win', { 'retry-after-ms': '40', 'retry-after': '7' }, 40],
    ['unreadable milliseconds, which do not', { 'retry-after-ms': 'soon', 'retry-after': '7' }, 7000],
    ['white space', { 'retry-after': ' 7 ' }, 7000],
    ['a repeated header, of which the first counts', { 'retry-after': ['7', '9'] }, 7000],
    ['longer than any batch lives', { 'retry-after': '999999999' }, 24 * 3_600_000],
  ])('A12 reads %s', (_, headers, ms) => {
    expect(retryAfterMs(headers, NOW)).toBe(ms);
  });

  it.each(['-1', 'soon', '', '1e9', 'Infinity', 'NaN', '2026-11-21', 'Sat, 99 Nov 2026 09:00:30 GMT', '0x10'])(
    'A12 takes %j for no wait at all',
    (value) => {
      expect(retryAfterMs({ 'retry-after': value }, NOW)).toBeNull();
    },
  );

  it('A12 answers a bounded whole number or nothing, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (seconds, ms) => {
        const wait = retryAfterMs({ 'retry-after': seconds, 'retry-after-ms': ms }, NOW);
        expect(wait === null || (Number.isInteger(wait) && wait >= 0 && wait <= 24 * 3_600_000)).toBe(true);
      }),
    );
  });
});

it('A11 reads x-should-retry only where it says true or false', () => {
  expect(shouldRetry({ 'x-should-retry': 'true' })).toBe(true);
  expect(shouldRetry({ 'x-should-retry': 'false' })).toBe(false);
  expect(shouldRetry({ 'x-should-retry': 'maybe' })).toBeNull();
  expect(shouldRetry({})).toBeNull();
});

it("A15 knows both names of the upstream's request id, its own first", () => {
  expect(upstreamRequestId({ 'request-id': 'req_1', 'x-request-id': 'x1' })).toBe('req_1');
  expect(upstreamRequestId({ 'x-request-id': 'x1' })).toBe('x1');
  expect(upstreamRequestId({})).toBeNull();
  expect(headerValue({ 'request-id': [] }, 'request-id')).toBeNull();
});
