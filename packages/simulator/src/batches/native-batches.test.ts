import { RESULTS_RETENTION_MS, type MessageBatch } from '@batchwright/protocol';
import { describe, expect, test } from 'vitest';
import type { FaultRule } from '../faults/fault-rule.ts';
import { block, createBench, errorIn, paramsOf, VERSION, type AnyMessage, type Bench } from '../simulator.fixture.ts';

const PATH = '/v1/messages/batches';
const DAY_MS = 24 * 60 * 60 * 1000;

interface Line {
  readonly custom_id: string;
  readonly result: {
    readonly type: string;
    readonly message?: AnyMessage;
    readonly error?: { readonly request_id: string | null; readonly error: { readonly message: string } };
  };
}

const itemsOf = (...params: readonly object[]): object => ({
  requests: params.map((each, i) => ({ custom_id: `item-${i}`, params: each })),
});

async function ask(bench: Bench, method: string, path: string, body: unknown = null, headers = VERSION) {
  const heard = bench.start(body, headers, path, method);
  await bench.clock.advance(0);
  return heard;
}

async function create(bench: Bench, body: object, headers = VERSION): Promise<MessageBatch> {
  const heard = await ask(bench, 'POST', PATH, body, headers);
  expect(heard.status, heard.text).toBe(200);
  return JSON.parse(heard.text) as MessageBatch;
}

async function show(bench: Bench, id: string): Promise<MessageBatch> {
  return JSON.parse((await ask(bench, 'GET', `${PATH}/${id}`)).text) as MessageBatch;
}

async function linesOf(bench: Bench, id: string): Promise<readonly Line[]> {
  const heard = await ask(bench, 'GET', `${PATH}/${id}/results`);
  expect([heard.status, heard.headers['content-type']]).toEqual([200, 'application/x-jsonl']);
  expect(heard.text.endsWith('\n')).toBe(true);
  return heard.text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('a batch', () => {
  test('waits, runs its items, and ends with a line for each', async () => {
    const bench = createBench({ batches: { latencyMs: 60_000 } });
    const made = await create(bench, itemsOf(paramsOf(), paramsOf({ model: 'nope' }), paramsOf({ stream: true })));
    expect(made).toMatchObject({
      type: 'message_batch',
      processing_status: 'in_progress',
      request_counts: { processing: 3, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      results_url: null,
    });
    expect(made.id).toMatch(/^msgbatch_01\w{22}$/);
    await bench.clock.advance(59_999);
    const waiting = await ask(bench, 'GET', `${PATH}/${made.id}`);
    expect(waiting.headers['retry-after']).toBe('10');
    expect((await ask(bench, 'GET', `${PATH}/${made.id}/results`)).status).toBe(404);
    expect(bench.simulator.runningBatches).toEqual({ batches: 1, items: 0 });
    await bench.clock.advance(60_000);
    expect(await show(bench, made.id)).toMatchObject({
      processing_status: 'ended',
      request_counts: { processing: 0, succeeded: 1, errored: 2 },
      results_url: `${PATH}/${made.id}/results`,
    });
    const byId = Object.fromEntries((await linesOf(bench, made.id)).map((line) => [line.custom_id, line.result]));
    expect(byId['item-0']?.message?.usage['service_tier']).toBe('batch');
    expect(byId['item-1']?.error).toMatchObject({ request_id: null, error: { message: 'model: nope' } });
    expect(byId['item-2']?.error?.error.message).toContain('"stream=True" is not supported');
    expect(bench.simulator.runningBatches).toEqual({ batches: 0, items: 0 });
  });

  test('runs no more items at once than it may', async () => {
    const content = '@@sim{"dur_ms":1000}@@';
    const slow = paramsOf({ messages: [{ role: 'user', content }] });
    const bench = createBench({ batches: { latencyMs: 0, parallelism: 3 } });
    const { id } = await create(bench, itemsOf(...Array.from({ length: 7 }, () => slow)));
    expect(bench.simulator.runningBatches.items).toBe(3);
    await bench.clock.advance(2999);
    const running = await ask(bench, 'GET', `${PATH}/${id}`);
    expect((await show(bench, id)).processing_status).toBe('in_progress');
    expect(running.headers, 'what does not wait is worth asking for at once').not.toHaveProperty('retry-after');
    await bench.clock.advance(1);
    expect((await show(bench, id)).processing_status).toBe('ended');
  });

  test('that is canceled before it runs has only canceled lines, and ends', async () => {
    const bench = createBench();
    const { id } = await create(bench, itemsOf(paramsOf(), paramsOf()));
    const canceling = JSON.parse((await ask(bench, 'POST', `${PATH}/${id}/cancel`)).text) as MessageBatch;
    expect(canceling).toMatchObject({ processing_status: 'canceling', request_counts: { processing: 2 } });
    await bench.clock.advance(1);
    expect(await show(bench, id)).toMatchObject({ processing_status: 'ended', request_counts: { canceled: 2 } });
    expect((await linesOf(bench, id)).map(({ result }) => result)).toEqual([
      { type: 'canceled' },
      { type: 'canceled' },
    ]);
  });

  test('that is canceled while it runs finishes what it had begun', async () => {
    const bench = createBench({ batches: { latencyMs: 0, parallelism: 1 } });
    const { id } = await create(bench, itemsOf(paramsOf(), paramsOf()));
    await ask(bench, 'POST', `${PATH}/${id}/cancel`);
    await bench.clock.advance(60_000);
    expect(await show(bench, id)).toMatchObject({ request_counts: { succeeded: 1, canceled: 1 } });
  });

  test('expires after a day, with what hangs', async () => {
    const bench = createBench({
      faults: [{ kind: 'stall', match: { customId: 'item-1' } }],
      batches: { latencyMs: 0 },
    });
    const { id } = await create(bench, itemsOf(paramsOf(), paramsOf()));
    await bench.clock.advance(DAY_MS - 1);
    expect((await show(bench, id)).processing_status).toBe('in_progress');
    await bench.clock.advance(1);
    expect(await show(bench, id)).toMatchObject({
      processing_status: 'ended',
      request_counts: { succeeded: 1, expired: 1 },
    });
    expect(bench.clock.pendingCount).toBe(0);
  });

  test('keeps its results for 29 days from its creation', async () => {
    const bench = createBench();
    const { id } = await create(bench, itemsOf(paramsOf()));
    await bench.clock.advance(RESULTS_RETENTION_MS - 1);
    expect(await linesOf(bench, id)).toHaveLength(1);
    await bench.clock.advance(1);
    expect((await ask(bench, 'GET', `${PATH}/${id}/results`)).status).toBe(404);
    expect((await show(bench, id)).archived_at).not.toBeNull();
  });

  test('can be deleted once it has ended', async () => {
    const bench = createBench();
    const { id } = await create(bench, itemsOf(paramsOf()));
    expect((await ask(bench, 'DELETE', `${PATH}/${id}`)).status).toBe(400);
    await bench.clock.advance(60_000);
    expect(JSON.parse((await ask(bench, 'DELETE', `${PATH}/${id}`)).text)).toEqual({
      id,
      type: 'message_batch_deleted',
    });
    expect((await ask(bench, 'GET', `${PATH}/${id}`)).status).toBe(404);
  });

  test('belongs to its workspace alone', async () => {
    const bench = createBench();
    const other = { ...VERSION, 'x-api-key': 'sk-sim-acme-two' };
    const { id } = await create(bench, itemsOf(paramsOf()), { ...VERSION, 'x-api-key': 'sk-sim-acme-one' } as never);
    expect((await ask(bench, 'GET', `${PATH}/${id}`, null, other)).status).toBe(404);
    expect(JSON.parse((await ask(bench, 'GET', PATH, null, other)).text)).toMatchObject({ data: [] });
  });
});

test('batches are listed newest first, by page', async () => {
  const bench = createBench();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.unshift((await create(bench, itemsOf(paramsOf()))).id);
  const page = async (query: string) =>
    JSON.parse((await ask(bench, 'GET', `${PATH}${query}`)).text) as { data: MessageBatch[]; has_more: boolean };
  expect((await page('')).data.map(({ id }) => id)).toEqual(ids);
  const first = await page('?limit=2');
  expect([first.data.map(({ id }) => id), first.has_more]).toEqual([ids.slice(0, 2), true]);
  expect((await page(`?after_id=${ids[1]}`)).data.map(({ id }) => id)).toEqual([ids[2]]);
});

test.each([
  [{}, 'requests: Field required'],
  [{ requests: [] }, 'requests: List should have at least 1 item after validation, not 0'],
  [{ requests: {} }, 'requests: Input should be a valid list'],
  [{ requests: [{ params: {} }] }, 'requests.0.custom_id: Field required'],
  [{ requests: [{ custom_id: 'a' }] }, 'requests.0.params: Field required'],
  [{ requests: [{ custom_id: 'a b', params: {} }] }, /^requests\.0\.custom_id: String should match pattern/],
  [{ requests: [1, 2].map(() => ({ custom_id: 'a', params: {} })) }, /Duplicate custom_id found: a$/],
  [{ requests: [{ custom_id: 'a', params: {}, more: 1 }] }, 'requests.0.more: Extra inputs are not permitted'],
  [{ requests: [{ custom_id: 'a', params: {} }], more: 1 }, 'more: Extra inputs are not permitted'],
])('a call that is wrong as a whole makes no batch: %j', async (body, message) => {
  const bench = createBench();
  const heard = await ask(bench, 'POST', PATH, body);
  expect(heard.status).toBe(400);
  expect(errorIn(heard).message).toMatch(message);
  expect(bench.simulator.runningBatches.batches).toBe(0);
});

test('a fault strikes the item it names, and a broken answer is an error', async () => {
  const bench = createBench({
    faults: [
      { kind: 'bad_request', match: { customId: 'item-0' } },
      { kind: 'truncated', match: { customId: 'item-1' } },
      { kind: 'reset', match: { customId: 'item-2' } },
    ],
  });
  const { id } = await create(bench, itemsOf(paramsOf(), paramsOf(), paramsOf(), paramsOf()));
  await bench.clock.advance(60_000);
  const lines = await linesOf(bench, id);
  expect(Object.fromEntries(lines.map((line) => [line.custom_id, line.result.type]))).toEqual({
    'item-0': 'errored',
    'item-1': 'errored',
    'item-2': 'errored',
    'item-3': 'succeeded',
  });
});

test('items cost half, and take nothing from the limits on calls', async () => {
  const bench = createBench({ limits: { requestsPerMinute: 1, inputTokensPerMinute: 100 } });
  const params = paramsOf({ messages: [{ role: 'user', content: [block(2000, 'long')] }] });
  await create(bench, itemsOf(params, params));
  await bench.clock.advance(60_000);
  const { totals } = bench.simulator.ledger();
  expect(totals.requests).toBe(2);
  expect(totals.cost).toBe(totals.inputTokens * 500 + totals.outputTokens * 2500);
});

test('a reset gives up what runs', async () => {
  const bench = createBench({ batches: { latencyMs: 0 } });
  await create(bench, itemsOf(paramsOf()));
  bench.simulator.reset();
  expect(bench.simulator.runningBatches).toEqual({ batches: 0, items: 0 });
  expect(bench.clock.pendingCount).toBe(0);
});

describe('a fault of the batch calls', () => {
  const struckBy = (...faults: readonly FaultRule[]): Bench => {
    const bench = createBench({ batches: { latencyMs: 0 } });
    bench.simulator.addFaults(faults);
    return bench;
  };
  const countOf = async (bench: Bench): Promise<number> =>
    (JSON.parse((await ask(bench, 'GET', PATH)).text) as { data: readonly unknown[] }).data.length;
  const match = { path: PATH, method: 'POST' } as const;
  const body = itemsOf(paramsOf());

  test.each([
    ['rate_limited', undefined, 429, 0],
    ['overloaded', undefined, 529, 0],
    ['api_error', undefined, 500, 1],
    ['api_error', 'admission', 500, 0],
    ['timeout', undefined, 504, 1],
    ['overloaded', 'before_first_byte', 529, 1],
    ['reset', undefined, null, 1],
    ['reset', 'admission', null, 0],
    ['reset', 'mid_stream', 200, 1],
    ['stall', undefined, null, 1],
    ['stall', 'admission', null, 0],
    ['stall', 'mid_stream', 200, 1],
  ] as const)('of kind %s at phase %s answers a create with %s and makes %i', async (kind, phase, status, made) => {
    const bench = struckBy({ kind, match, ...(phase !== undefined && { phase }) });
    const heard = await ask(bench, 'POST', PATH, body);
    expect(heard.status).toBe(status);
    expect(heard.end).toBe(kind === 'stall' ? null : kind === 'reset' ? 'failure' : 'end');
    expect(await countOf(bench)).toBe(made);
  });

  test.each(['truncated', 'invalid_json'] as const)('of kind %s leaves an answer that is no JSON', async (kind) => {
    const bench = struckBy({ kind, match });
    const heard = await ask(bench, 'POST', PATH, body);
    expect([heard.status, heard.end]).toEqual([200, 'end']);
    expect(() => JSON.parse(heard.text) as unknown).toThrow(SyntaxError);
    expect(await countOf(bench)).toBe(1);
  });

  test('cuts results short, and makes an answer late', async () => {
    const bench = struckBy(
      { kind: 'truncated', match: { path: `${PATH}/*/results` }, times: 1 },
      { kind: 'slow', ms: 5000, match: { path: `${PATH}/*` } },
    );
    const { id } = await create(bench, body);
    await bench.clock.advance(60_000);
    const late = await ask(bench, 'GET', `${PATH}/${id}`);
    expect(late.end).toBeNull();
    await bench.clock.advance(5000);
    expect(late.status).toBe(200);
    const { text } = await ask(bench, 'GET', `${PATH}/${id}/results`);
    const whole = (await ask(bench, 'GET', `${PATH}/${id}/results`)).text;
    expect(whole.startsWith(text)).toBe(true);
    expect([text.length > 0, text.length < whole.length]).toEqual([true, true]);
  });

  test('meets the path, the method and the text that it names, and no other', async () => {
    const bench = struckBy(
      { kind: 'bad_request', match: { path: `${PATH}/*` } },
      { kind: 'overloaded', match: { ...match, text: 'item-1' } },
    );
    const { id } = await create(bench, body);
    expect((await ask(bench, 'POST', PATH, itemsOf(paramsOf(), paramsOf()))).status).toBe(529);
    expect((await ask(bench, 'GET', `${PATH}/${id}`)).status).toBe(400);
    expect((await ask(bench, 'POST', `${PATH}/${id}/cancel`)).status).toBe(200);
    expect(await countOf(bench)).toBe(1);
    await bench.clock.advance(60_000);
    expect((await linesOf(bench, id))[0]?.result.type, 'items are calls to /v1/messages').toBe('succeeded');
  });

  test('without a path meets items alone', async () => {
    const bench = struckBy({ kind: 'bad_request' });
    const { id } = await create(bench, body);
    await bench.clock.advance(60_000);
    expect((await linesOf(bench, id))[0]?.result.type).toBe('errored');
  });
});
