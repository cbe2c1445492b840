import { describe, expect, test } from 'vitest';
import { createBench, errorIn, paramsOf } from '../simulator.fixture.ts';

const document = (tokens: number): object => ({
  messages: [{ role: 'user', content: `@@sim{"tokens":${tokens},"out":10}@@` }],
});

describe('limits', () => {
  test('admit as many requests as a minute holds, and then say how long to wait', async () => {
    const bench = createBench({ limits: { requestsPerMinute: 3 } });
    const calls = Array.from({ length: 4 }, () => bench.start(paramsOf()));
    await bench.clock.advance(0);
    expect(calls.map((heard) => heard.status)).toEqual([null, null, null, 429]);
    const refused = calls[3]!;
    expect(errorIn(refused)).toMatchObject({
      type: 'rate_limit_error',
      message: expect.stringContaining('3 requests per minute'),
    });
    expect(refused.headers['retry-after']).toBe('20');
    await bench.clock.advance(19_999);
    const early = bench.start(paramsOf());
    await bench.clock.advance(1);
    const late = bench.start(paramsOf());
    await bench.clock.advance(60_000);
    expect([early.status, late.status]).toEqual([429, 200]);
  });

  test('count input at admission, by model class, and a refusal takes nothing', async () => {
    const bench = createBench({ limits: { inputTokensPerMinute: 30_000 } });
    const first = bench.start(paramsOf(document(24_000)));
    const second = bench.start(paramsOf(document(24_000)));
    const small = bench.start(paramsOf(document(6000)));
    const elsewhere = bench.start(paramsOf({ ...document(24_000), model: 'claude-opus-4-5' }));
    await bench.clock.advance(300_000);
    expect([first, second, small, elsewhere].map((heard) => heard.status)).toEqual([200, 429, 200, 200]);
    expect(second.headers['retry-after']).toBe('36');
  });

  test('let what exceeds a whole minute wait for a full bucket, not for ever', async () => {
    const bench = createBench({ limits: { inputTokensPerMinute: 1000 } });
    expect((await bench.call(paramsOf(document(5000)))).status).toBe(200);
  });

  test('take output as it is produced, into debt', async () => {
    const bench = createBench({ limits: { outputTokensPerMinute: 100 } });
    const ask = async (): Promise<number | null> => {
      const content = '@@sim{"out":200,"dur_ms":0}@@';
      const heard = bench.start(paramsOf({ messages: [{ role: 'user', content }] }));
      await bench.clock.advance(0);
      return heard.status;
    };
    // 200 of 100 are taken: the bucket owes 100, and has a token to give a minute and a moment later.
    expect(await ask()).toBe(200);
    expect(await ask()).toBe(429);
    await bench.clock.advance(60_000);
    expect(await ask()).toBe(429);
    await bench.clock.advance(1000);
    expect(await ask()).toBe(200);
  });

  test('cap what is in flight', async () => {
    const bench = createBench({ limits: { concurrency: 2 } });
    const calls = [bench.start(paramsOf()), bench.start(paramsOf()), bench.start(paramsOf())];
    await bench.clock.advance(60_000);
    expect(calls.map((heard) => heard.status)).toEqual([200, 200, 429]);
    expect((await bench.call(paramsOf())).status).toBe(200);
  });

  test('show in the headers, tokens rounded to thousands, the tightest as tokens', async () => {
    const bench = createBench({
      limits: { requestsPerMinute: 50, inputTokensPerMinute: 30_000, outputTokensPerMinute: 8000 },
    });
    const heard = bench.start(
      paramsOf({ messages: [{ role: 'user', content: '@@sim{"tokens":10400,"out":10,"dur_ms":0}@@' }] }),
    );
    await bench.clock.advance(0);
    expect(heard.headers).toMatchObject({
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-input-tokens-remaining': '20000',
      'anthropic-ratelimit-output-tokens-remaining': '8000',
      'anthropic-ratelimit-tokens-limit': '30000',
      'anthropic-ratelimit-tokens-remaining': '20000',
    });
    expect(heard.headers['anthropic-ratelimit-requests-reset']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});
