import type { BatchId } from '@batchwright/protocol';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { resultsUrl, type PublicPlace } from './public-url.ts';

const PATH = '/v1/messages/batches/msgbatch_01a/results';

const TRUSTED = { publicUrl: null, trustsProxy: true };
const DIRECT = { publicUrl: null, trustsProxy: false };

function url(headers: Record<string, string>, place: PublicPlace = DIRECT, localAddress = '10.0.0.7'): string {
  const request = { headers, socket: { localAddress, localPort: 4180 } } as unknown as IncomingMessage;
  return resultsUrl(request, place, 'msgbatch_01a' as BatchId);
}

describe('the results URL', () => {
  it.each([true, false])('is the configured one whatever the request says', (trustsProxy) => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-prefix': '/evil' };
    const place = { publicUrl: 'https://b.example/anthropic/', trustsProxy };
    expect(url(headers, place)).toBe(`https://b.example/anthropic${PATH}`);
  });

  it.each([['localhost:4180'], ['[::1]:4180'], ['a.example']])('names the host %s that the request names', (host) => {
    expect(url({ host })).toBe(`http://${host}${PATH}`);
  });

  it('hears no forwarded header unless the proxy is trusted', () => {
    const forwarded = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/evil',
      forwarded: 'host=evil.example;proto=https',
    };
    expect(url({ host: 'a', ...forwarded })).toBe(`http://a${PATH}`);
    expect(url(forwarded)).toBe(`http://10.0.0.7:4180${PATH}`);
  });

  it.each([
    [{ host: 'localhost:4180' }, `http://localhost:4180${PATH}`],
    [{ host: 'a', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'b.example' }, `https://b.example${PATH}`],
    [{ host: 'a', 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'b, c' }, `https://b${PATH}`],
    [{ host: 'a', 'x-forwarded-prefix': '/anthropic/' }, `http://a/anthropic${PATH}`],
  ])('follows %j of a trusted proxy', (headers, expected) => {
    expect(url(headers, TRUSTED)).toBe(expected);
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
    expect(url(headers, TRUSTED)).toBe(`http://10.0.0.7:4180${PATH}`);
  });

  it('brackets a socket’s IPv6 address', () => {
    expect(url({}, DIRECT, '::1')).toBe(`http://[::1]:4180${PATH}`);
  });

  it.each(['/../x', '//evil.example', '/a?b', 'evil', '/a b', '/%2e'])('ignores the prefix %s', (prefix) => {
    expect(url({ host: 'a', 'x-forwarded-prefix': prefix }, TRUSTED)).toBe(`http://a${PATH}`);
  });
});
