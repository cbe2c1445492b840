import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, openBulkHome, type BulkHome, type TestApi } from './bulk-home.ts';
import { idsOf, requestLines } from './bulk-requests.ts';

/** An API whose own calls go wrong: whatever does, every request is asked once, and every answer is there. */
let home: BulkHome;
let api: TestApi;
beforeEach(async () => {
  home = await openBulkHome();
  api = await home.startSimulator();
  await home.write('prompts.jsonl', requestLines('r', 4));
});
afterEach(() => home.close());

const COMMAND = ['run', 'prompts.jsonl', '-o', 'answers.jsonl'];
const CREATE = { path: '/v1/messages/batches', method: 'POST' };
const RETRIEVE = { path: '/v1/messages/batches/*', method: 'GET' };
const RESULTS = { path: '/v1/messages/batches/*/results' };

async function expectAllOnce(): Promise<void> {
  expect((await home.results('answers.jsonl')).map(({ result }) => result.type)).toEqual(Array(4).fill('succeeded'));
  expect(await api.calls()).toEqual(new Map(idsOf('r', 4).map((id) => [id, 1])));
  expect(await api.batches()).toHaveLength(1);
}

async function struck(): Promise<readonly number[]> {
  const answer = await fetch(`${api.url}/sim/faults`);
  const { data } = (await answer.json()) as { readonly data: readonly { readonly struck: number }[] };
  return data.map((rule) => rule.struck);
}

describe('a create', () => {
  it.each([
    { kind: 'api_error' },
    { kind: 'timeout' },
    { kind: 'reset' },
    { kind: 'reset', phase: 'mid_stream' },
    { kind: 'truncated' },
    { kind: 'invalid_json' },
  ])('that made its batch and was not answered is found, and not sent again: %j', async (rule) => {
    await api.addFaults(
      { kind: 'rate_limited', retry_after: 1, match: CREATE, times: 1 },
      { ...rule, match: CREATE, times: 1 },
    );
    const { code, err } = await home.run(COMMAND, { env: api.env });
    expect(code, err).toBe(0);
    expect(await struck()).toEqual([1, 1]);
    await expectAllOnce();
  });

  it('that was cut before it made a batch is sent again once nothing is found', { timeout: 60_000 }, async () => {
    await api.addFaults({ kind: 'reset', phase: 'admission', match: CREATE, times: 1 });
    const { code, err } = await home.run(COMMAND, { env: api.env });
    expect(code, err).toBe(0);
    expect(await struck()).toEqual([1]);
    await expectAllOnce();
  });

  it('that hangs can be left, and what it made is found', async () => {
    await api.addFaults({ kind: 'stall', match: CREATE, times: 1 });
    const hanging = home.start(COMMAND, api.env);
    await expect.poll(struck, { timeout: 20_000 }).toEqual([1]);
    hanging.kill('SIGINT');
    const left = await finished(hanging);
    expect(left.code, left.err).toBe(3);
    const again = await home.run(COMMAND, { env: api.env });
    expect(again.code, again.err).toBe(0);
    await expectAllOnce();
  });
});

it.each([
  ['a look at a batch', RETRIEVE],
  ['a download of results', RESULTS],
])('%s that fails in every way is tried again', { timeout: 60_000 }, async (_, match) => {
  const ways = [
    { kind: 'rate_limited', retry_after: 0 },
    { kind: 'overloaded' },
    { kind: 'api_error' },
    { kind: 'reset' },
    { kind: 'reset', phase: 'mid_stream' },
    { kind: 'truncated' },
    { kind: 'invalid_json' },
    { kind: 'slow', ms: 10 },
  ];
  await api.addFaults(...ways.map((way) => ({ ...way, match, times: 1 })));
  const { code, err } = await home.run(COMMAND, { env: api.env });
  expect(code, err).toBe(0);
  expect(await struck()).toEqual(ways.map(() => 1));
  await expectAllOnce();
});
