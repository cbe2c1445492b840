import fc from 'fast-check';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readBatchOptions } from './batch-options.ts';
import { readCredential } from './credential.ts';
import { readDialect } from './dialect.ts';
import { readPageQuery } from './page-query.ts';
import { matchRoute } from './route.ts';
import { ROUTES } from './routes.ts';
import { readTarget } from './target.ts';

/** Text as it may come off a socket: any Latin-1, and what means something in a URL more often. */
const wireText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('/', '%', '%2F', '%00', '?', '&', '=', ',', '..', ' ', '"', '`'),
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  ),
});

describe('whatever a client sends', () => {
  it('a request line is split, and matched or not, without an exception', () => {
    fc.assert(
      fc.property(wireText, fc.constantFrom('GET', 'POST', 'DELETE', 'BREW'), (url, method) => {
        const { path, query } = readTarget({ url } as IncomingMessage, 'https://h/prefix');
        expect(['found', 'wrong_method', 'unknown_path']).toContain(matchRoute(ROUTES, method, path).type);
        expect(['page', 'refused']).toContain(readPageQuery(query).type);
      }),
    );
  });

  it('headers are read or refused without an exception', () => {
    fc.assert(
      fc.property(wireText, wireText, (one, other) => {
        const headers = { authorization: one, 'x-api-key': other, 'anthropic-version': one, 'anthropic-beta': other };
        expect(['key', 'refused']).toContain(readCredential(headers).type);
        expect(['known', 'refused']).toContain(readDialect(headers, []).type);
        expect(['read', 'refused']).toContain(
          readBatchOptions({ 'batchwright-options': one }, { counts: 'live', markers: 'respect', budgetNanoUsd: null })
            .type,
        );
      }),
    );
  });

  it('an id comes out of a path as it was encoded into it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (id) => {
        const match = matchRoute(ROUTES, 'GET', `/v1/messages/batches/${encodeURIComponent(id)}`);
        expect(match).toMatchObject({ type: 'found', params: { message_batch_id: id } });
      }),
    );
  });

  it('every accepted limit is one the API allows', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer().map(String), wireText), (limit) => {
        const page = readPageQuery(new URLSearchParams({ limit }).toString());
        if (page.type === 'page') expect(page.limit).toBeGreaterThanOrEqual(1);
        if (page.type === 'page') expect(page.limit).toBeLessThanOrEqual(1000);
      }),
    );
  });
});
