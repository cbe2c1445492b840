import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BulkRequest, type RunOptions, type RunReport } from '@batchwright/client';
import { sumOfModels, systemClock } from '@batchwright/core';
import { createSimulator, serveSimulator } from '@batchwright/simulator';
import { afterEach, describe, expect, test } from 'vitest';
import { textOf } from '../harness/batches.ts';

/**
 * What three workloads cost by waves of native batches, as the report of a run has it. The simulator's batches share
 * nothing within themselves, as the hosted ones; documents are text of exactly so many tokens, four bytes each, as the plan
 * estimates them too.
 *
 * The large ones are run with fewer documents. A document more adds the same to a bill each time (its own leader and the
 * same followers), so that two runs give the bill of any number, exactly.
 */
const MODEL = 'claude-sonnet-4-5';
const ANSWER_TOKENS = 300;
const CENT = 10_000_000;
const INSTANT = { baseTtftMs: 0, prefillTokensPerSecond: Infinity, decodeTokensPerSecond: Infinity };

interface Workload {
  readonly systemTokens: number;
  readonly documentTokens: number;
  readonly questionTokens: number;
  readonly documents: number;
  readonly questions: number;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

function* requestsOf({ systemTokens, documentTokens, questionTokens, documents, questions }: Workload) {
  for (let d = 0; d < documents; d++) {
    const document = textOf(`document ${d}`, documentTokens);
    for (let q = 0; q < questions; q++) {
      const question = `@@sim{"out":${ANSWER_TOKENS}}@@ ${q} `.padEnd(questionTokens * 4, 'why? ');
      const content = [document, question].map((text) => ({ type: 'text', text }));
      const params = {
        model: MODEL,
        max_tokens: 1024,
        ...(systemTokens === 0 ? {} : { system: [{ type: 'text', text: textOf('system', systemTokens) }] }),
        messages: [{ role: 'user', content }],
      };
      yield { custom_id: `d${d}-q${q}`, params } satisfies BulkRequest;
    }
  }
}

async function reportOf(workload: Workload, options: Partial<RunOptions> = {}): Promise<RunReport> {
  const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
  const simulator = createSimulator({ clock, seed: 1, profile: INSTANT, batches: { latencyMs: 0 } });
  const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
  closing.push(() => served.close());
  const client = new Anthropic({ baseURL: served.url, apiKey: 'any' });
  const run = runBatch(requestsOf(workload), { client, ...options });
  const end = await run.settle();
  await run.close();
  if (end.type !== 'settled') expect.unreachable(`the run is ${end.type}`);
  const { report } = end;
  expect(report.counts.succeeded).toBe(workload.documents * workload.questions);
  // What the report says is what the simulator billed.
  expect(report.cost?.nanoUsd).toBe(simulator.ledger().totals.cost);
  return report;
}

/** A figure of the run at full scale, from runs of two and of three documents. */
async function atFullScale(workload: Workload, options: Partial<RunOptions>, figure: (report: RunReport) => number) {
  const two = await reportOf({ ...workload, documents: 2 }, options);
  const three = await reportOf({ ...workload, documents: 3 }, options);
  expect(three.waves).toBe(two.waves);
  const [less, more] = [figure(two), figure(three)];
  return { waves: two.waves, amount: less + (more - less) * (workload.documents - 2) };
}

const costOf = ({ cost }: RunReport): number => cost?.nanoUsd ?? Number.NaN;

function expectAbout(nanoUsd: number, usd: number): void {
  expect(Math.abs(nanoUsd - usd * 1e9), `${nanoUsd / 1e9} is not about ${usd}`).toBeLessThan(CENT);
}

test('(a) three questions about one document cost $0.0109 instead of $0.0124', async () => {
  const report = await reportOf({
    systemTokens: 0,
    documentTokens: 1248,
    questionTokens: 12,
    documents: 1,
    questions: 3,
  });
  expect(report.waves).toBe(2);
  expect(costOf(report)).toBe(10_922_400);
  expect(report.cost).toMatchObject({ withoutBatchNanoUsd: 21_844_800, withoutCachingNanoUsd: 12_420_000 });
  expect(sumOfModels(report.totals)).toMatchObject({ inputTokens: 36, write1hTokens: 1248, readTokens: 2496 });
});

describe('(b) 100 documents, 1,000 questions each', () => {
  const WORKLOAD = { systemTokens: 0, documentTokens: 20_000, questionTokens: 50, documents: 100, questions: 1000 };

  test('cost $538.20 in two waves instead of $3,232.50', async () => {
    // Here nothing is shared between documents: one is a hundredth of it all.
    const report = await reportOf({ ...WORKLOAD, documents: 1 });
    expect(report.waves).toBe(2);
    expectAbout(100 * costOf(report), 538.2);
    expectAbout(100 * (report.cost?.withoutCachingNanoUsd ?? 0), 3232.5);
    expectAbout(100 * (report.cost?.withoutBatchNanoUsd ?? 0), 1076.4);
  });
});

describe('(c) a system prompt, 50 documents, 200 questions each', () => {
  const WORKLOAD = { systemTokens: 4000, documentTokens: 20_000, questionTokens: 50, documents: 50, questions: 200 };

  test('cost $62.11 in three waves', async () => {
    const { waves, amount } = await atFullScale(WORKLOAD, {}, costOf);
    expect(waves).toBe(3);
    expectAbout(amount, 62.11);
  });

  test('cost $62.67 in two, where a wave less is worth that', async () => {
    const { waves, amount } = await atFullScale(WORKLOAD, { latencyTokens: 1_000_000 }, costOf);
    expect(waves).toBe(2);
    expectAbout(amount, 62.67);
  });
});
