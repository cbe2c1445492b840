import { describe, expect, it } from 'vitest';
import { findPath } from './outline.fixture.ts';
import { outline, text } from './outline.ts';
import { NESTING_LIMIT } from './scanner.ts';

const encode = (document: string): Uint8Array => new TextEncoder().encode(document);

function textAt(document: string, path: readonly string[]): string | null {
  const bytes = encode(document);
  const span = findPath(bytes, path);
  return span === null ? null : text(bytes, span);
}

describe('findPath', () => {
  it('finds the service tier in an answer', () => {
    const answer = '{"id":"msg_1","usage": {"input_tokens":7, "service_tier" : "standard"},"content":[]}\n';
    expect(textAt(answer, ['usage', 'service_tier'])).toBe('"standard"');
    expect(textAt(answer, ['usage'])).toBe('{"input_tokens":7, "service_tier" : "standard"}');
  });

  it('takes the last of a key given twice, at both levels', () => {
    expect(textAt('{"a":{"b":1},"a":{"b":2,"b":3}}', ['a', 'b'])).toBe('3');
  });

  it('knows a key by what it spells', () => {
    expect(textAt('{"\\u0061":1}', ['a'])).toBe('1');
    expect(textAt('{"\\n":1}', ['\\n'])).toBeNull();
    expect(textAt('{"\\n":1}', ['\n'])).toBe('1');
  });

  it.each([
    ['the key is missing', '{"a":1}', ['b']],
    ['the way leads through no object', '{"a":[{"b":1}]}', ['a', 'b']],
    ['the document is no object', '[1]', ['0']],
    ['the document is not JSON', '{"a":1', ['a']],
    ['no path is given', '{"a":1}', []],
  ])('is null when %s', (_, document, path) => {
    expect(textAt(document, path)).toBeNull();
  });
});

describe('outline', () => {
  it('leaves whitespace around the object out, and newlines there uncounted', () => {
    const found = outline(encode('\r\n {"a":"\\n"} \n'));
    expect(found).toMatchObject({ start: 3, end: 13, hasNewlines: false });
    expect(outline(encode('{"a":\r1}'))?.hasNewlines).toBe(true);
    expect(outline(encode('{"a":[1,\n2]}'))?.hasNewlines).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['two objects', '{}{}'],
    ['an array', '[]'],
    ['a string', '"{}"'],
    ['an object that does not end', '{"a":{}'],
    ['a byte order mark', '\ufeff{}'],
    ['nesting beyond the limit', `{"a":${'['.repeat(NESTING_LIMIT)}${']'.repeat(NESTING_LIMIT)}}`],
  ])('is null for %s', (_, document) => {
    expect(outline(encode(document))).toBeNull();
  });

  it('is null for bytes that are no UTF-8', () => {
    expect(outline(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeNull();
  });

  it('outlines a part of a document in offsets of the whole', () => {
    const bytes = encode('[0,{"a":"b"}]');
    const found = outline(bytes, { start: 3, end: 12 });
    const span = found?.find('a');
    expect(found).toMatchObject({ start: 3, end: 12 });
    expect(span && text(bytes, span)).toBe('"b"');
  });

  it('works on bytes that lie anywhere in their buffer', () => {
    const bytes = encode('xx{"a":12}').subarray(2);
    const span = outline(bytes)?.find('a');
    expect(span && text(bytes, span)).toBe('12');
  });

  it.each([65_535, 65_536, 65_537, 200_000])('reads through its window an object of %i bytes and more', (bytes) => {
    const filler = 'x'.repeat(bytes - 12);
    const document = encode(`{"a":"${filler}","b":{"c":"${filler}"},"d":4}`);
    const found = outline(document);
    expect(found?.keys()).toEqual(['a', 'b', 'd']);
    const span = found?.find('d');
    expect(span && text(document, span)).toBe('4');
    expect(found?.find('a')).toEqual({ start: 5, end: 5 + filler.length + 2, kind: 'string' });
    expect(textAt(`{"a":"${filler}","b":{"c":"${filler}"},"d":4}`, ['b', 'c'])).toBe(`"${filler}"`);
  });

  it('keeps every entry of an object with as many keys as bytes allow', () => {
    const count = 60_000;
    const document = encode(`{${Array.from({ length: count }, () => '"":0').join(',')}}`);
    const found = outline(document);
    expect(found?.keys()).toHaveLength(count);
    expect(found?.find('')).toEqual({ start: document.length - 2, end: document.length - 1, kind: 'number' });
  });
});
