import { wireError } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { BodyScanner } from './body-scanner.ts';
import { indexedRequests, scanBody, sharedScanner, zeroBytes } from './body.fixture.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A body of `count` requests with ids of one character up to six. */
function bodyOf(count: number): Uint8Array {
  const items = Array.from({ length: count }, (_, i) => `{"custom_id":"${i.toString(36)}","params":{"n":${i}}}`);
  return encode(`{"requests":[${items.join(',')}]}`);
}

describe('the body scanner', () => {
  it('indexes 100,000 requests', () => {
    const body = bodyOf(100_000);
    expect(scanBody(body)).toEqual({ type: 'accepted', count: 100_000 });
    const found = indexedRequests(body, 100_000);
    expect(found.every(({ params }, i) => params === `{"n":${i}}`)).toBe(true);
    expect(found.every(({ customId }, i) => customId === i.toString(36))).toBe(true);
  });

  it('refuses 100,001 requests, and says how many there were', () => {
    const words = (count: number): string => {
      const verdict = scanBody(bodyOf(count));
      return verdict.type === 'refused' ? wireError(verdict.problem).message : 'accepted';
    };
    expect(words(100_001)).toBe('requests: List should have at most 100000 items after validation, not 100001');
    expect(words(250_000)).toBe('requests: List should have at most 100000 items after validation, not 250000');
  });

  it('finds a duplicate among 100,000, the last of the first', () => {
    const text = new TextDecoder().decode(bodyOf(100_000)).replace('"custom_id":"255r"', '"custom_id":"0"');
    expect(text).toContain('{"custom_id":"0","params":{"n":99999}}');
    expect(scanBody(encode(text))).toEqual({
      type: 'refused',
      problem: { type: 'custom_id_duplicate', customId: '0' },
    });
  });

  it('forgets a long list at the cost of that list, however often `requests` is given', () => {
    const list = new TextDecoder().decode(bodyOf(50)).slice(1, -1);
    const body = encode(`{${`${list},`.repeat(5_000)}${list}}`);
    expect(scanBody(body)).toEqual({ type: 'accepted', count: 50 });
  });

  it('indexes bodies one after the other', () => {
    const first = encode('{"requests":[{"custom_id":"a","params":{"x":1}},{"custom_id":"b","params":{}}]}');
    const second = encode('{"requests":[{"params":{"y":2},"custom_id":"a"}]}');
    scanBody(first);
    expect(indexedRequests(first, 2)).toEqual([
      { customId: 'a', params: '{"x":1}' },
      { customId: 'b', params: '{}' },
    ]);
    scanBody(second);
    expect(indexedRequests(second, 1)).toEqual([{ customId: 'a', params: '{"y":2}' }]);
  });

  it('takes a new body after one that broke off anywhere', () => {
    const body = encode('{"requests":[{"custom_id":"a\\u0061","params":{"x":[1.5e3,true]}}]}');
    const scanner = sharedScanner();
    const [block] = scanner.blocks;
    block?.set(body);
    for (let length = 0; length < body.length; length++) {
      scanner.begin(zeroBytes, 0n);
      if (block !== undefined && length > 0) scanner.feed(block.subarray(0, length));
      expect(scanBody(body)).toEqual({ type: 'accepted', count: 1 });
    }
  });

  it('keeps blocks on pages, apart from each other', () => {
    const { blocks } = new BodyScanner(3, 8_192);
    expect(blocks.map((block) => [block.length, block.byteOffset % 4_096])).toEqual([
      [8_192, 0],
      [8_192, 0],
      [8_192, 0],
    ]);
    expect(new Set(blocks.map((block) => block.byteOffset)).size).toBe(3);
  });

  it('refuses to scan what does not lie in its ring, or anything after a fault', () => {
    const scanner = new BodyScanner(1, 4_096);
    scanner.begin(zeroBytes, 0n);
    expect(() => scanner.feed(encode('{}'))).toThrow('outside its ring');
    const [block] = scanner.blocks;
    block?.set(encode('}'));
    expect(block && scanner.feed(block.subarray(0, 1))).toMatchObject({ type: 'not_json' });
    expect(() => block && scanner.feed(block.subarray(0, 1))).toThrow('after it had found a problem');
  });
});
