import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BulkRequest, type RunReport } from '@batchwright/client';
import { systemClock } from '@batchwright/core';
import { createSimulator, serveSimulator } from '@batchwright/simulator';
import { afterEach, expect, test } from 'vitest';
import { textOf } from '../harness/batches.ts';

/** What failures cost by waves of native batches: a request that failed is billed nothing, and its prompt was written. */
const MODEL = 'claude-sonnet-4-5';
const DOCUMENTS = 10;
const DOCUMENT_TOKENS = 20_000;
const INSTANT = { baseTtftMs: 0, prefillTokensPerSecond: Infinity, decodeTokensPerSecond: Infinity };

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Three questions about every other document, and four about the rest. */
function* requests(): Generator<BulkRequest> {
  for (let d = 0; d < DOCUMENTS; d++) {
    const document = textOf(`document ${d}`, DOCUMENT_TOKENS);
    for (let q = 0; q < 3 + (d % 2); q++) {
      const content = [document, `@@sim{"out":100}@@ question ${q}`].map((text) => ({ type: 'text', text }));
      yield {
        custom_id: `d${d}-q${q}`,
        params: { model: MODEL, max_tokens: 200, messages: [{ role: 'user', content }] },
      };
    }
  }
}

async function reportOf(seed: number, rate: number): Promise<RunReport> {
  const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
  const simulator = createSimulator({ clock, seed, profile: INSTANT, batches: { latencyMs: 0 } });
  const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
  closing.push(() => served.close());
  const rules = [{ kind: 'overloaded', match: { rate } }];
  if (rate > 0) await fetch(`${served.url}/sim/faults`, { method: 'POST', body: JSON.stringify(rules) });
  const run = runBatch(requests(), { client: new Anthropic({ baseURL: served.url, apiKey: 'any' }), attempts: 20 });
  const end = await run.settle();
  await run.close();
  if (end.type !== 'settled') expect.unreachable(`the run is ${end.type}`);
  expect(end.report.cost?.nanoUsd).toBe(simulator.ledger().totals.cost);
  return end.report;
}

const costOf = ({ cost }: RunReport): number => cost?.nanoUsd ?? Number.NaN;

test('where three calls in ten fail, a run costs about what it does where none fails', async () => {
  const calm = await reportOf(1, 0);
  expect(costOf(calm)).toBe(701_670_000);
  for (const seed of [1, 2, 3]) {
    const rough = await reportOf(seed, 0.3);
    expect(rough.counts.succeeded).toBe(35);
    expect(rough.retried.requests).toBeGreaterThan(8);
    // Only where a group fails three times over does nobody lead it any more.
    expect(costOf(rough) / costOf(calm)).toBeLessThan(1.04);
  }
});
