import { PUBLISHED_MODELS, sumOfModels, UNKNOWN_MODELS } from '@batchwright/core';
import type { BatchResult } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { RunTally } from './run-tally.ts';

const AT_MS = Date.UTC(2026, 10, 1);
const TERMS = { models: PUBLISHED_MODELS, hasDiscount: true };
const FACTS = { requests: 10, batches: 2, waves: 1, startedAtMs: 1000, nowMs: 5000 };

const answer = (usage: object, model = 'claude-sonnet-4-5'): BatchResult => ({
  type: 'succeeded',
  message: { model, usage },
});
const errored = (type: string, message: string): BatchResult => ({
  type: 'errored',
  error: { type: 'error', error: { type: type as 'api_error', message }, request_id: null },
});
const settled = (customId: string, result: BatchResult, attempts = 1, rejection: string | null = null) => ({
  customId,
  result,
  attempts,
  rejection,
});

describe('what a run cost', () => {
  it('is halved, and known by kind', () => {
    const tally = new RunTally(TERMS);
    const creation = { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 };
    const usage = { input_tokens: 10, output_tokens: 300, cache_read_input_tokens: 1000, cache_creation: creation };
    tally.addAnswer(answer(usage), AT_MS);
    const byKind = { input: 15_000, write5m: 187_500, write1h: 600_000, read: 150_000, output: 2_250_000 };
    expect(tally.report(FACTS).cost).toEqual({
      nanoUsd: 3_202_500,
      byKind,
      withoutBatchNanoUsd: 6_405_000,
      withoutCachingNanoUsd: (1310 * 3000 + 300 * 15_000) / 2,
    });
    expect(tally.spentNanoUsd).toBe(3_202_500);
  });

  it('is the full price where the service gives no discount', () => {
    const tally = new RunTally({ ...TERMS, hasDiscount: false });
    tally.addAnswer(answer({ input_tokens: 10 }), AT_MS);
    expect(tally.report(FACTS).cost).toMatchObject({ nanoUsd: 30_000, withoutBatchNanoUsd: 30_000 });
  });

  it('adds up by kind to the nano-dollar, whatever halving leaves over', () => {
    const tally = new RunTally(TERMS);
    const creation = { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 0 };
    const usage = { input_tokens: 1, output_tokens: 1, cache_creation: creation };
    for (let i = 0; i < 7; i++) tally.addAnswer(answer(usage, 'claude-haiku-5-5'), AT_MS);
    const cost = tally.report(FACTS).cost!;
    expect(cost.nanoUsd).toBe(7 * Math.round((100 + 3 * 125 + 500) / 2));
    expect(Object.values(cost.byKind).reduce((sum, part) => sum + part, 0)).toBe(cost.nanoUsd);
  });

  it('is unknown as soon as one model has no price, and its tokens are known all the same', () => {
    const tally = new RunTally(TERMS);
    tally.addAnswer(answer({ input_tokens: 10 }), AT_MS);
    tally.addAnswer(answer({ input_tokens: 7, output_tokens: 3 }, 'my-own'), AT_MS);
    const report = tally.report(FACTS);
    expect(report.cost).toBeNull();
    expect(report.totals.get('my-own')).toMatchObject({ requests: 1, inputTokens: 7, outputTokens: 3 });
    expect(tally.spentNanoUsd).toBe(15_000);
    expect(new RunTally({ models: UNKNOWN_MODELS, hasDiscount: false }).report(FACTS).cost).toBeNull();
    expect(new RunTally(TERMS).report(FACTS).cost).toMatchObject({ nanoUsd: 0 });
  });

  it('counts answers that were not the last word, and nothing that failed', () => {
    const tally = new RunTally(TERMS);
    tally.addAnswer(answer({ input_tokens: 10 }), AT_MS);
    tally.addAnswer(answer({ input_tokens: 10 }), AT_MS);
    tally.addAnswer(errored('api_error', 'broken'), AT_MS);
    tally.addAnswer({ type: 'expired' }, AT_MS);
    expect(sumOfModels(tally.totals)).toMatchObject({ requests: 2, inputTokens: 20 });
  });

  it('takes what is no usage for nothing', () => {
    const tally = new RunTally(TERMS);
    for (const message of [null, 3, {}, { usage: 'x' }, { usage: { input_tokens: -5 } }]) {
      tally.addAnswer({ type: 'succeeded', message }, AT_MS);
    }
    expect(sumOfModels(tally.totals)).toMatchObject({ requests: 5, inputTokens: 0 });
  });
});

describe('what became of a run', () => {
  it('is counted by outcome, with what is left and what was tried again', () => {
    const tally = new RunTally(TERMS);
    const ok = answer({ input_tokens: 1 });
    tally.addSettled(settled('a', ok));
    tally.addSettled(settled('b', ok, 3));
    tally.addSettled(settled('c', ok, 2, 'no JSON'));
    tally.addSettled(settled('d', errored('api_error', 'x'), 3));
    tally.addSettled(settled('e', { type: 'expired' }));
    tally.addSettled(settled('f', { type: 'canceled' }));
    expect(tally.report(FACTS)).toMatchObject({
      requests: 10,
      counts: { succeeded: 3, errored: 1, canceled: 1, expired: 1 },
      rejected: 1,
      unsettled: 4,
      retried: { requests: 3, attempts: 5 },
      batches: 2,
      waves: 1,
      startedAtMs: 1000,
      elapsedMs: 4000,
    });
  });

  it('names the commonest failures first, with an example each, and whether to try again', () => {
    const tally = new RunTally(TERMS);
    tally.addSettled(settled('long-1', errored('invalid_request_error', 'max_tokens: 70000 > 64000')));
    for (let i = 0; i < 3; i++) tally.addSettled(settled(`o-${i}`, errored('overloaded_error', `Overloaded ${i}`)));
    tally.addSettled(settled('long-2', errored('invalid_request_error', 'max_tokens: 80000 > 64000')));
    tally.addSettled(settled('e', { type: 'expired' }));
    tally.addSettled(settled('r', answer({}), 1, 'missing "name"'));
    expect(tally.report(FACTS).failures).toEqual([
      {
        type: 'overloaded_error',
        message: 'Overloaded …',
        count: 3,
        example: { customId: 'o-0', message: 'Overloaded 0' },
        isPermanent: false,
      },
      {
        type: 'invalid_request_error',
        message: 'max_tokens: … > …',
        count: 2,
        example: { customId: 'long-1', message: 'max_tokens: 70000 > 64000' },
        isPermanent: true,
      },
      expect.objectContaining({ type: 'expired', count: 1, isPermanent: false }),
      expect.objectContaining({ type: 'rejected', message: 'missing "…"', count: 1, isPermanent: false }),
    ]);
  });

  it('shows ten kinds of failures, and keeps a bounded number of them', () => {
    const tally = new RunTally(TERMS);
    const word = (i: number): string =>
      String.fromCodePoint(97 + (i % 26), 97 + (Math.floor(i / 26) % 26), 97 + Math.floor(i / 676));
    for (let i = 0; i < 2000; i++) tally.addSettled(settled(`c${i}`, errored('api_error', `failed by ${word(i)}`)));
    const { failures } = tally.report(FACTS);
    expect(failures).toHaveLength(10);
    expect(failures[0]).toMatchObject({ message: 'other messages', count: 1500 });
  });

  it.each([
    [{ type: 'error', error: { type: 'api_error', message: 'm' } }, 'api_error', 'm'],
    [{ type: 'api_error', message: 'flat' }, 'api_error', 'flat'],
    [null, 'unknown_error', 'no reason was given'],
    [{ error: {} }, 'unknown_error', 'no reason was given'],
  ])('reads the error in %j', (error, type, message) => {
    const tally = new RunTally(TERMS);
    tally.addSettled(settled('a', { type: 'errored', error: error as never }));
    expect(tally.report(FACTS).failures).toMatchObject([{ type, message, count: 1 }]);
  });
});
