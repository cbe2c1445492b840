import type { BatchId } from '@batchwright/protocol';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { resultsUrl } from './public-url.ts';

const PATH = '/v1/messages/batches/msgbatch_01a/results';

function url(headers: Record<string, string>, publicUrl: string | null = null, localAddress = '10.0.0.7'): string {
  const request = { headers, socket: { localAddress, localPort: 4180 } } as unknown as IncomingMessage;
  return resultsUrl(request, publicUrl, 'msgbatch_01a' as BatchId);
}

describe('the results URL', () => {
  it('is the configured one whatever the request says', () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
    expect(url(headers, 'https://b.example/anthropic/')).toBe(`https://b.example/anthropic${PATH}`);
  });

  it.each([
    [{ host: 'localhost:4180' }, `http://localhost:4180${PATH}`],
    [{ host: '[::1]:4180' }, `http://[::1]:4180${PATH}`],
    [{ host: 'a', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'b.example' }, `https://b.example${PATH}`],
    [{ host: 'a', 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'b, c' }, `https://b${PATH}`],
    [{ host: 'a', 'x-forwarded-prefix': '/anthropic/' }, `http://a/anthropic${PATH}`],
  ])('follows %j', (headers, expected) => {
    expect(url(headers)).toBe(expected);
  });

  it.each([
    [{ host: 'a/b' }],
    [{ host: 'a@b' }],
    [{ host: 'a"b' }],
    [{ host: 'a b' }],
    [{ host: '' }],
    [{}],
    [{ host: 'x?', 'x-forwarded-host': 'a#b', 'x-forwarded-proto': 'javascript' }],
  ])('falls back to the socket’s address for %j', (headers: Record<string, string>) => {
    expect(url(headers)).toBe(`http://10.0.0.7:4180${PATH}`);
  });

  it('brackets a socket’s IPv6 address', () => {
    expect(url({}, null, '::1')).toBe(`http://[::1]:4180${PATH}`);
  });

  it.each(['/../x', '//evil.example', '/a?b', 'evil', '/a b', '/%2e'])('ignores the prefix %s', (prefix) => {
    expect(url({ host: 'a', 'x-forwarded-prefix': prefix })).toBe(`http://a${PATH}`);
  });
});
