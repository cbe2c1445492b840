import { describe, expect, it } from 'vitest';
import { RequestHeads, UnsendableCall } from './request-heads.ts';
import type { UpstreamCall } from './upstream.ts';

const CALL: UpstreamCall = { method: 'POST', path: '/v1/messages', headers: { a: 'b' }, body: Buffer.from('{}') };
const heads = (url = 'http://host:8080/', key: string | null = null): RequestHeads =>
  new RequestHeads(new URL(url), key);

describe('RequestHeads', () => {
  it('writes a head as HTTP/1.1 has it, below the prefix of the base URL', () => {
    expect(heads('https://host/gateway/v1/', 'sk').of(CALL)).toBe(
      'POST /gateway/v1/messages HTTP/1.1\r\nhost: host\r\naccept-encoding: identity\r\nx-api-key: sk\r\na: b\r\n' +
        'content-length: 2\r\n\r\n',
    );
  });

  it('says no length of what has no body, but of a POST', () => {
    expect(heads().of({ ...CALL, method: 'GET', body: null })).not.toContain('content-length');
    expect(heads().of({ ...CALL, body: null })).toContain('content-length: 0\r\n');
  });

  it('tells calls apart that share their headers', () => {
    const of = heads();
    expect(of.of(CALL)).toContain('POST /v1/messages ');
    expect(of.of({ ...CALL, method: 'GET', path: '/v1/models', body: null })).toContain('GET /v1/models ');
    expect(of.of({ ...CALL, body: Buffer.from('{"longer":1}') })).toContain('content-length: 12\r\n');
  });

  it.each([
    ['a value that would end its line', { headers: { a: 'b\r\nx-api-key: other' } }],
    ['a value beyond Latin-1', { headers: { a: '→' } }],
    ['a name that is none', { headers: { 'a b': 'c' } }],
    ['a path that would end the line', { path: '/v1/x HTTP/1.1\r\nhost: other' }],
    ['a path beyond Latin-1', { path: '/v1/→' }],
    ['a path that is none', { path: 'v1' }],
  ])('sends no %s', (_, change) => {
    expect(() => heads().of({ ...CALL, ...change })).toThrow(UnsendableCall);
  });

  it('puts the head of a batch’s calls together once', () => {
    const headers: Record<string, string> = {};
    let reads = 0;
    Object.defineProperty(headers, 'a', { enumerable: true, get: () => (reads++, 'b') });
    const of = heads();
    for (let i = 0; i < 100; i++) of.of({ ...CALL, headers });
    expect(reads).toBe(1);
  });
});
