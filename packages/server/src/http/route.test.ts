import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { matchRoute } from './route.ts';
import { EMULATOR_ROUTES, ROUTES } from './routes.ts';
import { readTarget } from './target.ts';

const target = (url: string, publicUrl: string | null = null) => readTarget({ url } as IncomingMessage, publicUrl);

describe('the route table', () => {
  it('names each method and path once', () => {
    const places = ROUTES.map((route) => `${route.method} ${route.path}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it('lets nobody near a batch, a message or a model without a key', () => {
    const open = ROUTES.filter((route) => route.access === 'open').map((route) => route.path);
    expect(open).toEqual(['/healthz', '/readyz', '/openapi.json']);
  });

  it('counts every batch endpoint and extension but the server’s own name, and nothing else', () => {
    const counted = ROUTES.filter((route) => route.access === 'caller' && route.counted);
    const aboutBatches = ROUTES.filter(
      ({ path }) => path.startsWith('/v1/messages/batches') || path.startsWith('/ext/v1/'),
    );
    expect(counted).toEqual(aboutBatches);
  });

  it('takes any rest below a star, and not the bare stem', () => {
    expect(matchRoute(EMULATOR_ROUTES, 'GET', '/sim/a/b').type).toBe('found');
    expect(matchRoute(EMULATOR_ROUTES, 'GET', '/sim').type).toBe('unknown_path');
  });
});

describe('a request target', () => {
  it.each([
    ['/a?b=c', '/a', 'b=c'],
    ['/a', '/a', ''],
    ['/a?', '/a', ''],
    ['/a?b?c', '/a', 'b?c'],
    ['/a#b?c', '/a', ''],
    ['http://host:1/a?b', '/a', 'b'],
    ['https://host', '/', ''],
    ['*', '*', ''],
    ['', '/', ''],
  ])('%s has path %s and query "%s"', (url, path, query) => {
    expect(target(url)).toEqual({ path, query });
  });

  it.each([
    ['/anthropic/v1/models', '/v1/models'],
    ['/v1/models', '/v1/models'],
    ['/anthropic', '/anthropic'],
    ['/anthropics/v1', '/anthropics/v1'],
  ])('%s under a public prefix is %s', (url, path) => {
    expect(target(url, 'https://h/anthropic/').path).toBe(path);
  });
});
