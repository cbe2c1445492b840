import { BATCH_LIFETIME_MS } from '@batchwright/protocol';
import type { BatchRecord } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { silentLog, type Log } from '../observe/log.ts';
import type { Spool } from '../spool/spool.ts';
import { error, names, setUp, type EngineSetting } from './engine.fixture.ts';

/** $1 a million tokens of input and $5 of output: 1,000 and 5,000 nano-dollars each, without the batch discount. */
const MODEL = 'claude-haiku-4-5';
const ANSWER_TOKENS = 9;
/** Prompts of 27 tokens at four bytes, and answers of nine. */
const EXPECTED = 27 * 1000 + ANSWER_TOKENS * 5000;

const bodies = (count: number): string[] =>
  names('p', count).map((content) =>
    JSON.stringify({ model: MODEL, max_tokens: ANSWER_TOKENS, messages: [{ role: 'user', content }] }).padEnd(108),
  );
/** An answer that costs as much as was expected, or more. */
const answerOf = (moreTokens = 0): string =>
  JSON.stringify({
    id: 'msg_1',
    model: MODEL,
    usage: { input_tokens: 27 + moreTokens, output_tokens: ANSWER_TOKENS },
  });

async function start(budgetNanoUsd: number | null, setting: EngineSetting = {}, count = 10) {
  const engine = await setUp(setting);
  const batch = await engine.createOf(bodies(count), undefined, { budgetNanoUsd });
  const raise = async (nanoUsd: number | null): Promise<void> => {
    const changed = await engine.catalog.batches.setBudget(batch.workspaceId, batch.id, nanoUsd);
    engine.engine.scheduler.budgetChanged(changed as BatchRecord);
    await engine.quiet();
  };
  /** Answers everything that is asked, until nothing is. */
  const serve = async (): Promise<void> => {
    for (let i = 0; i < engine.upstream.calls.length; i++) {
      engine.upstream.calls[i]?.answer(200, answerOf());
      await engine.quiet();
    }
  };
  const details = () => engine.engine.scheduler.details(batch.id);
  return { ...engine, batch, raise, serve, details };
}

describe('a batch with a budget', () => {
  it('sends no more than fits, and is paused then', async () => {
    const { upstream, engine, serve, details, batch } = await start(EXPECTED * 3.5);
    expect(upstream.calls).toHaveLength(3);
    expect(details()?.budget).toEqual({ reservedNanoUsd: 3 * EXPECTED, isExhausted: true });
    await serve();
    expect(upstream.calls).toHaveLength(3);
    expect(details()?.budget).toEqual({ reservedNanoUsd: 0, isExhausted: true });
    expect(engine.scheduler.pausedByBudget).toBe(1);
    expect(engine.scheduler.counts(batch.id)).toMatchObject({ succeeded: 3, processing: 7 });
  });

  it('goes on at once when the budget is raised, and ends', async () => {
    const { upstream, engine, serve, raise, find, batch } = await start(EXPECTED * 3.5);
    await serve();
    await raise(EXPECTED * 5);
    expect(upstream.calls).toHaveLength(5);
    await raise(null);
    expect(engine.scheduler.pausedByBudget).toBe(0);
    upstream.calls.splice(0, 3);
    await serve();
    expect(upstream.calls).toHaveLength(7);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 10 } });
  });

  it('that is too small for one request is paused from the start', async () => {
    const { upstream, details } = await start(EXPECTED - 1);
    expect(upstream.calls).toEqual([]);
    expect(details()?.budget.isExhausted).toBe(true);
  });

  it('lets what is in flight finish when it turns out dearer, and sends nothing after that', async () => {
    const { upstream, quiet } = await start(EXPECTED * 4, { concurrency: 2 });
    for (const call of upstream.calls.slice(0, 2)) call.answer(200, answerOf(100));
    await quiet();
    expect(upstream.calls).toHaveLength(2);
  });

  it('takes back what was reserved for a call that failed, for another to use', async () => {
    const { upstream, quiet, details } = await start(EXPECTED);
    upstream.calls[0]?.answer(529, error('overloaded_error', 'busy'));
    await quiet();
    expect(upstream.calls).toHaveLength(2);
    expect(details()?.budget.reservedNanoUsd).toBe(EXPECTED);
  });

  it('near its cap reads one request for each answer, and not all that there are places for', async () => {
    let reads = 0;
    const spool = (inner: Spool): Spool => ({
      ...inner,
      async openRequestLog(id) {
        const log = await inner.openRequestLog(id);
        const readParams = (request: number) => ((reads += 1), log.readParams(request));
        return { ...log, index: log.index, plan: log.plan, peekParams: () => null, readParams };
      },
    });
    const { upstream, serve } = await start(EXPECTED * 5.5, { spool, concurrency: 30 }, 60);
    expect(upstream.calls).toHaveLength(5);
    const atFirst = reads;
    expect(atFirst).toBeGreaterThan(5);
    await serve();
    expect(upstream.calls).toHaveLength(5);
    expect(reads).toBe(atFirst + 5);
  });

  it('does not stop others', async () => {
    const { upstream, create } = await start(EXPECTED - 1);
    await create(['free']);
    expect(upstream.calls.map((call) => call.prompt)).toEqual(['free']);
  });

  it('is canceled while paused as ever', async () => {
    const { cancel, engine, serve, find, batch } = await start(EXPECTED * 2);
    await serve();
    await cancel(batch);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 2, canceled: 8 } });
    expect(engine.scheduler.pausedByBudget).toBe(0);
  });

  it('expires while paused as ever', async () => {
    const { advance, serve, find, batch } = await start(EXPECTED * 2);
    await serve();
    await advance(BATCH_LIFETIME_MS);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 2, expired: 8 } });
  });

  it('has spent after a restart what it had before', async () => {
    const first = await start(EXPECTED * 4, { concurrency: 2 });
    for (const call of first.upstream.calls.slice(0, 2)) call.answer(200, answerOf());
    await first.quiet();
    const stopped = first.engine.stop();
    await first.clock.advance(10_000, first.quiet);
    await stopped;
    const second = await setUp({ catalog: () => first.catalog, spool: () => first.spool });
    await second.quiet();
    expect(second.upstream.calls).toHaveLength(2);
    expect(second.engine.scheduler.details(first.batch.id)?.budget.isExhausted).toBe(true);
  });

  it('counts models without a price as free', async () => {
    const { createOf, upstream } = await setUp({ concurrency: 20 });
    await createOf(
      bodies(5).map((body) => body.replace(MODEL, 'local')),
      undefined,
      { budgetNanoUsd: 1 },
    );
    expect(upstream.calls).toHaveLength(5);
  });

  it('is told of once in the log for each budget', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (_fields: unknown, message: string) => warnings.push(message) } as never;
    const { serve, raise } = await start(EXPECTED * 2, { log });
    await serve();
    expect(warnings).toHaveLength(1);
    await raise(EXPECTED * 4);
    await serve();
    expect(warnings).toHaveLength(2);
  });
});
