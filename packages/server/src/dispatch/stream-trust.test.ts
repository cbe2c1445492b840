import { encodePlan, planPrefixes, type PromptBlocks } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { error, names, setUp } from '../runtime/engine.fixture.ts';
import type { Spool } from '../spool/spool.ts';
import { StreamTrust } from './stream-trust.ts';

const REQUESTS = 8;

/** Requests that all share a block. */
const BLOCKS: PromptBlocks = {
  requestCount: REQUESTS,
  firstBlock: Uint32Array.from({ length: REQUESTS + 1 }, (_, r) => 2 * r),
  hash: Float64Array.from({ length: 2 * REQUESTS }, (_, i) => (i % 2 === 0 ? 1 : 100 + i)),
  tokens: Uint32Array.from({ length: 2 * REQUESTS }, (_, i) => (i % 2 === 0 ? 20_000 : 20_050)),
  traits: new Uint8Array(2 * REQUESTS).fill(4),
  model: new Uint16Array(REQUESTS),
  models: ['m'],
};

const planned = (spool: Spool): Spool => {
  const plan = encodePlan(planPrefixes(BLOCKS, { markers: 'auto', profile: 'required', minimumTokens: () => 1024 }));
  return { ...spool, openRequestLog: async (id) => ({ ...(await spool.openRequestLog(id)), plan }) };
};

/** A batch of requests that share a prefix, at an upstream that answers as told; how many calls it takes. */
async function serve(answer: (isStreamed: boolean) => readonly [number, string]) {
  const { create, upstream, quiet, advance, find, rows } = await setUp({ spool: planned });
  const batch = await create(names('p', REQUESTS));
  for (let at = 0, idle = 0; idle < 20;) {
    const call = upstream.calls[at];
    if (call === undefined) {
      idle += 1;
      await advance(1000);
      continue;
    }
    [at, idle] = [at + 1, 0];
    const params = JSON.parse(Buffer.from(call.request.body as Uint8Array).toString()) as { stream?: boolean };
    call.answer(...answer(params.stream === true));
    await quiet();
  }
  return { batch: await find(batch), rows: await rows(batch), calls: upstream.calls.length };
}

const MESSAGE = '{"id":"msg_1","usage":{"input_tokens":1,"cache_read_input_tokens":20000}}';

describe('an upstream that cannot stream', () => {
  it.each([
    [400, error('invalid_request_error', 'stream is not supported')],
    [501, error('api_error', 'not implemented')],
    [200, 'no'],
  ])('and answers %d costs a few calls and no result', async (status, body) => {
    const { batch, calls } = await serve((isStreamed) => (isStreamed ? [status, body] : [200, MESSAGE]));
    expect(batch).toMatchObject({ status: 'ended', counts: { succeeded: REQUESTS } });
    expect(calls).toBeLessThanOrEqual(REQUESTS + 3);
  });
});

it('a request that is refused streamed and whole is the client’s mistake, and told in the upstream’s words', async () => {
  const refusal = error('invalid_request_error', 'no such thing');
  const { batch, rows, calls } = await serve(() => [400, refusal]);
  expect(batch).toMatchObject({ status: 'ended', counts: { errored: REQUESTS } });
  expect(rows[0]).toMatchObject({ result: { error: { error: { message: 'no such thing' } } } });
  expect(calls).toBeLessThanOrEqual(2 * REQUESTS);
});

it('streams are tried again after a while, and trusted again when one is served', () => {
  const trust = new StreamTrust();
  for (let i = 0; i < 3; i++) {
    expect(trust.isGiven(1000)).toBe(true);
    trust.failed(1000);
  }
  expect([trust.isGiven(1000), trust.isGiven(60_999), trust.isGiven(61_000)]).toEqual([false, false, true]);
  trust.failed(61_000);
  expect(trust.isGiven(61_001)).toBe(false);
  trust.served();
  expect(trust.isGiven(61_001)).toBe(true);
});
