import { expect, it } from 'vitest';
import { reportObject } from './report-json.ts';
import { MIXED, PLAIN_SUCCESS } from './report.fixture.ts';

it('the report for programs has exact money and the ledger’s names', () => {
  expect(reportObject(MIXED)).toMatchObject({
    type: 'report',
    requests: 1_000_000,
    counts: { succeeded: 990_000, errored: 9000, canceled: 0, expired: 1000 },
    rejected: 500,
    failures: [{ type: 'invalid_request_error', is_permanent: true, example: { custom_id: 'row-0000017' } }, {}, {}],
    tokens: {
      input: 50_000_000,
      cache_creation_5m: 0,
      cache_creation_1h: 2_000_000,
      cache_read: 1_998_000_000,
      output: 300_000_000,
    },
    cost_usd: '876.90',
    nano_usd: 876_900_000_000,
    cost_by_kind: { cache_read: { cost_usd: '99.90', nano_usd: 99_900_000_000 } },
    against: { no_batch: { cost_usd: '1753.80' }, no_caching: { cost_usd: '1775.00' } },
    models: [{ model: 'claude-haiku-4-5-20251001', requests: 991_000, cost_usd: '876.90' }],
    started_at: '2026-11-21T00:00:00.000Z',
    elapsed_seconds: 7800,
  });
});

it('what is not known is null, and everything can be written as JSON', () => {
  const object = reportObject(PLAIN_SUCCESS);
  const nothing = { cost_usd: null, nano_usd: null };
  expect(object).toMatchObject({
    ...nothing,
    cost_by_kind: null,
    against: { no_batch: nothing, no_caching: nothing },
    models: [{ model: 'my-own', ...nothing }],
  });
  expect(JSON.parse(JSON.stringify(object))).toEqual(object);
});
