import { encodePlan, planPrefixes, type PromptBlocks } from '@batchwright/core';
import { expect, it } from 'vitest';
import { names, setUp, type HeldCall } from '../runtime/engine.fixture.ts';
import type { Spool } from '../spool/spool.ts';

const MODEL = 'claude-haiku-4-5';

/** Three requests that share a block of 20,000 tokens, and one that shares nothing. */
const BLOCKS: PromptBlocks = {
  requestCount: 4,
  firstBlock: Uint32Array.of(0, 2, 4, 6, 7),
  hash: Float64Array.of(1, 2, 1, 3, 1, 4, 5),
  tokens: Uint32Array.of(20_000, 20_050, 20_000, 20_050, 20_000, 20_050, 700),
  traits: new Uint8Array(7).fill(4),
  model: new Uint16Array(4),
  models: [MODEL],
};

/** A spool whose request logs have a plan. */
const planned = (spool: Spool): Spool => {
  const plan = encodePlan(planPrefixes(BLOCKS, { markers: 'auto', profile: 'required', minimumTokens: () => 1024 }));
  return { ...spool, openRequestLog: async (id) => ({ ...(await spool.openRequestLog(id)), plan }) };
};

const bodies = names('p', 4).map((content) =>
  JSON.stringify({ model: MODEL, max_tokens: 9, messages: [{ role: 'user', content }] }),
);

const isStreamed = (body: Uint8Array | null): boolean => Buffer.from(body ?? []).includes('"stream":true');

/** A leader at $1.25 a million tokens written, and nothing beside it. */
const LEADER_ALONE = 20_050 * 1250 + 9 * 5000;

it('a batch held back by its budget waits, however long its leader is silent', async () => {
  const { createOf, upstream, engine, advance, clock, quiet } = await setUp({ spool: planned });
  const batch = await createOf(bodies, undefined, { budgetNanoUsd: LEADER_ALONE });
  expect(upstream.calls).toHaveLength(1);
  expect(engine.scheduler.details(batch.id)?.budget.isExhausted).toBe(true);
  let timers = 0;
  const { after } = clock;
  clock.after = (ms, action) => {
    // Time would never pass a moment at which a timer sets another for the same moment.
    if (++timers > 50) throw new Error('a timer that is due at once, again and again');
    return after.call(clock, ms, action);
  };
  await advance(600_000);
  expect(upstream.calls).toHaveLength(1);
  upstream.calls[0]?.fail('ECONNRESET');
  await quiet();
  await advance(2000);
  expect(upstream.calls.length).toBeGreaterThan(1);
});

it('a batch whose prefix another batch leads goes on when that one is cancelled', async () => {
  const { createOf, cancel, upstream, advance, find, quiet } = await setUp({ spool: planned, concurrency: 8 });
  const first = await createOf(bodies);
  const second = await createOf(bodies);
  // The leader, and of each batch what shares nothing.
  expect(upstream.calls).toHaveLength(3);
  await cancel(first);
  await advance(9999);
  expect(upstream.calls).toHaveLength(3);
  await advance(1);
  expect(upstream.calls).toHaveLength(4);
  for (let at = 0; at < upstream.calls.length; at++) {
    const call = upstream.calls[at] as HeldCall;
    if (!call.isCancelled) call.answer();
    await quiet();
  }
  await advance(1);
  expect((await find(first)).status).toBe('ended');
  expect(await find(second)).toMatchObject({ status: 'ended', counts: { succeeded: 4 } });
});

it('a batch whose prefix another batch leads goes on when that one is gone for good', async () => {
  const lost = { isLost: false };
  const { createOf, upstream, find, quiet, advance } = await setUp({
    spool: (spool) => {
      const whole = planned(spool);
      return {
        ...whole,
        openResultLog: async (...args) => {
          const log = await whole.openResultLog(...args);
          const commit: typeof log.commit = async (chunk) => {
            if (!lost.isLost) return log.commit(chunk);
            lost.isLost = false;
            return 'lost';
          };
          return { ...log, commit };
        },
      };
    },
    concurrency: 8,
  });
  const first = await createOf(bodies);
  const second = await createOf(bodies);
  lost.isLost = true;
  const alone = upstream.calls.find(({ request }) => !isStreamed(request.body));
  alone?.answer();
  await quiet();
  for (let at = 0; at < upstream.calls.length; at++) {
    const call = upstream.calls[at] as HeldCall;
    if (call !== alone && !call.isCancelled) call.answer();
    await quiet();
  }
  await advance(1);
  expect((await find(first)).status).toBe('in_progress');
  expect(await find(second)).toMatchObject({ status: 'ended', counts: { succeeded: 4 } });
});
