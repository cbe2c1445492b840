import { describe, expect, it } from 'vitest';
import { memoryStore } from '../store/memory-store.ts';
import { all, ids, START_MS, World } from './bulk-run.fixture.ts';
import { errored, failure, rateLimited } from './fake-server.fixture.ts';
import { runBatch } from './run-batch.ts';

describe('a run', () => {
  it('yields every request once, and ends settled', async () => {
    const world = new World({ requests: 10, batchRequests: 4 });
    const { results, end, run } = await world.collect();
    expect(ids(results)).toEqual(ids(await all(run.results('input'))));
    expect(results).toHaveLength(10);
    expect(end).toMatchObject({
      type: 'settled',
      report: { requests: 10, counts: { succeeded: 10 }, unsettled: 0, batches: 3, waves: 1 },
    });
    expect(world.server.submitted).toHaveLength(10);
  });

  it('works with the real plan, and a store of its own', async () => {
    const world = new World({ requests: 7 });
    const run = runBatch(world.requests, {
      service: world.server.service(),
      clock: world.clock,
      batchSize: { requests: 3 },
    });
    expect(await world.until(run.settle())).toMatchObject({ type: 'settled', report: { counts: { succeeded: 7 } } });
    expect((await all(run.results('input'))).map(({ request }) => request)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    await run.close();
  });

  it('sends nothing when the last request is wrong', async () => {
    const world = new World();
    const run = runBatch([...world.requests, { custom_id: 'no id', params: {} }], {
      service: world.server.service(),
      clock: world.clock,
    });
    await expect(world.until(run.settle())).rejects.toThrow(/request 11.*custom_id/);
    expect(world.server.creates).toBe(0);
  });

  it('gives results in the order of the requests, or as they came, with the lines as served', async () => {
    const world = new World({ requests: 6, batchRequests: 3 });
    world.server.serve = (lines) => lines.toReversed();
    const { run } = await world.settle();
    expect((await all(run.results('input'))).map(({ customId }) => customId)).toEqual([
      'r-0',
      'r-1',
      'r-2',
      'r-3',
      'r-4',
      'r-5',
    ]);
    const came = await all(run.results('arrival'));
    expect(came.map(({ customId }) => customId)).toEqual(['r-2', 'r-1', 'r-0', 'r-5', 'r-4', 'r-3']);
    expect(came.map(({ line }) => Buffer.from(line).toString())).toEqual(
      world.server.batches.flatMap(({ lines }) => (lines ?? []).toReversed()),
    );
  });

  it('leaves nothing but its journal when it is finished, and then does nothing more', async () => {
    const world = new World();
    const { run } = await world.settle();
    await run.finish();
    expect(world.store.logNames).toEqual([]);
    expect(world.types().at(-1)).toBe('finished');
    const { creates } = world.server;
    expect(await world.settle()).toMatchObject({ end: { type: 'already_finished', atMs: world.clock.now() } });
    expect(world.server.creates).toBe(creates);
  });

  it('cannot be iterated twice', async () => {
    const world = new World();
    const { run } = await world.collect();
    await expect(all(run)).rejects.toThrow('once');
  });

  it('yields what was settled before somebody iterated', async () => {
    const world = new World();
    const { run } = await world.settle();
    expect(await all(run)).toHaveLength(10);
  });

  it('is not taken up as another, and says what differs', async () => {
    const world = new World();
    world.server.batchMs = 3_600_000;
    const signal = AbortSignal.timeout(1e9);
    await world.settle({ identity: { input: 'a.jsonl', model: 'x' }, detach: true, signal });
    const other = world.run({ identity: { input: 'b.jsonl', model: 'x' } });
    await expect(other.settle()).rejects.toMatchObject({
      name: 'RunMismatchError',
      differing: ['input'],
      message: expect.stringContaining('input was "a.jsonl" and is "b.jsonl"') as string,
    });
  });

  it('that had not read its requests is begun anew as whatever it is now', async () => {
    const world = new World();
    await world.store.appendJournal({ type: 'begun', format: 1, atMs: START_MS, identity: { input: 'a.jsonl' } });
    expect(await world.settle({ identity: { input: 'b.jsonl' } })).toMatchObject({ end: { type: 'settled' } });
  });

  it('fails with its input, and can be run again when that is mended', async () => {
    const world = new World();
    const broken = async function* () {
      yield* world.requests.slice(0, 3);
      throw new Error('the disk was taken out');
    };
    const store = memoryStore();
    const options = { service: world.server.service(), clock: world.clock, store };
    const run = runBatch(broken(), options);
    await expect(world.until(run.settle())).rejects.toThrow('the disk was taken out');
    await run.close();
    const again = runBatch(world.requests, options);
    expect(await world.until(again.settle())).toMatchObject({ report: { requests: 10, counts: { succeeded: 10 } } });
  });

  it('keeps to the number of requests that may wait at once, and goes on as batches end', async () => {
    const world = new World({ requests: 20, batchRequests: 4 });
    let most = 0;
    world.server.onCreate = () => {
      const open = world.server.batches.filter(({ endsAtMs }) => endsAtMs > world.clock.now());
      most = Math.max(most, 4 * (open.length + 1));
      return null;
    };
    await world.settle({ queuedRequests: 10 });
    expect(most).toBe(8);
    expect(world.server.batches).toHaveLength(5);
  });

  it('asks as often as the server says, and less and less often where it does not', async () => {
    const polls = async (retryAfterMs: number | null): Promise<number> => {
      const world = new World({ requests: 1 });
      world.server.batchMs = 600_000;
      world.server.retryAfterMs = retryAfterMs;
      let count = 0;
      world.server.onCall = (call) => void (count += call === 'retrieve' ? 1 : 0);
      await world.settle();
      return count;
    };
    expect(await polls(10_000)).toBe(61);
    expect(await polls(null)).toBeLessThan(70);
    expect(await polls(null)).toBeGreaterThan(15);
  });

  it.each([1000, 20_000, 200_000])('notices the end of a batch of %i ms soon after', async (batchMs) => {
    const world = new World({ requests: 1 });
    world.server.batchMs = batchMs;
    await world.settle();
    expect(world.clock.now() - START_MS - batchMs).toBeLessThanOrEqual(1000 + batchMs / 9);
  });

  it('outlives calls that fail for a while, each kind of them', async () => {
    const world = new World({ requests: 10 });
    const failed = new Map<string, number>();
    world.server.onCall = (call) => {
      const count = failed.get(call) ?? 0;
      failed.set(call, count + 1);
      if (count < 3) throw failure([null, 529, 500][count] ?? null);
    };
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 10 } } });
    expect(failed.get('results')).toBeGreaterThan(3);
  });

  it('ends with a call that is refused for good, and goes on later where it was', async () => {
    const world = new World();
    let isRefused = true;
    world.server.onCall = (call) => {
      if (isRefused && call === 'retrieve') throw failure(401, 'authentication_error');
    };
    await expect(world.settle()).rejects.toMatchObject({ status: 401 });
    isRefused = false;
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 10 } } });
    expect(world.server.submitted).toHaveLength(10);
  });

  it('says so when a batch of its own is gone', async () => {
    const world = new World({ requests: 2 });
    world.server.onCall = (call) => {
      if (call === 'retrieve') throw failure(404, 'not_found_error');
    };
    await expect(world.settle()).rejects.toMatchObject({
      name: 'BatchFaultError',
      fault: 'gone',
      message: expect.stringContaining('knows no batch msgbatch_0000 (batch 1 of the run) any more') as string,
    });
  });

  it('takes a batch that is not seen at once for what it is', async () => {
    const world = new World({ requests: 2 });
    let hidden = 2;
    world.server.onCall = (call) => {
      if (call === 'retrieve' && hidden-- > 0) throw failure(404, 'not_found_error');
    };
    const waits = new Set<string | null>();
    const { run, end } = await world.settle({ onProgress: ({ waitingFor }) => waits.add(waitingFor) });
    expect(end).toMatchObject({ type: 'settled' });
    const until = new Date(START_MS + 60_000).toTimeString().slice(0, 5);
    expect([...waits]).toContain(`msgbatch_0000 is not known to the fake server; asking again until ${until}`);
    expect(run.progress.waitingFor).toBeNull();
  });

  it.each([
    ['short', (lines: readonly string[]) => lines.slice(1), 'missing'],
    [
      'foreign',
      (lines: readonly string[]) => ['{"custom_id":"x","result":{"type":"expired"}}', ...lines],
      'is not in the batch',
    ],
    ['double', (lines: readonly string[]) => [...lines, lines[0] ?? ''], 'has two results'],
    ['garbled', (lines: readonly string[]) => [...lines.slice(1), '{"custom_id":"r-0","resul'], 'is no result'],
  ])('downloads a file that is %s again, and gives up when it stays so', async (_, spoil, reason) => {
    const world = new World({ requests: 3 });
    world.server.serve = (lines, __, download) => (download < 2 ? spoil(lines) : lines);
    const { results } = await world.collect();
    expect(ids(results)).toEqual(['r-0', 'r-1', 'r-2']);
    const hopeless = new World({ requests: 3 });
    hopeless.server.serve = spoil;
    await expect(hopeless.settle()).rejects.toThrow(reason);
  });
});

describe('requests that failed', () => {
  it('are tried again by class, in rounds, until they succeed or have had their tries', async () => {
    const world = new World({ requests: 6, batchRequests: 10 });
    world.server.answer = ({ custom_id: id }, attempt) => {
      if (id === 'r-0') return errored('invalid_request_error');
      if (id === 'r-1') return rateLimited;
      if (id === 'r-2' && attempt < 3) return errored('overloaded_error');
      if (id === 'r-3' && attempt < 2) return { type: 'expired' };
      if (id === 'r-4') return { type: 'canceled' };
      return { type: 'succeeded', message: { content: id } };
    };
    const { end, results } = await world.collect();
    expect(Object.fromEntries(world.server.attempts)).toEqual({
      'r-0': 1,
      'r-1': 3,
      'r-2': 3,
      'r-3': 2,
      'r-4': 1,
      'r-5': 1,
    });
    expect(Object.fromEntries(results.map(({ customId, attempts }) => [customId, attempts]))).toEqual(
      Object.fromEntries(world.server.attempts),
    );
    expect(end).toMatchObject({
      report: {
        counts: { succeeded: 3, errored: 2, canceled: 1, expired: 0 },
        retried: { requests: 3, attempts: 5 },
        waves: 3,
      },
    });
  });

  it.each([
    [[], 1, 1, 1],
    [['rate_limited'], 3, 1, 1],
    [['errored'], 3, 3, 1],
    [['expired'], 1, 1, 3],
  ] as const)('are tried again only if their class is among %j', async (retry, limited, unheard, expired) => {
    const world = new World({ requests: 3 });
    world.server.answer = ({ custom_id: id }) =>
      id === 'r-0' ? rateLimited : id === 'r-1' ? errored('strange_error') : { type: 'expired' };
    await world.settle({ retry });
    expect(Object.fromEntries(world.server.attempts)).toEqual({ 'r-0': limited, 'r-1': unheard, 'r-2': expired });
  });
});

describe('a judge', () => {
  const asked = (text: string) => ({ model: 'm', messages: [{ role: 'user', content: text }] });

  it('has an answer it does not take asked for once more, with other params, and once only', async () => {
    const world = new World({ requests: 4 });
    const contents = new Map<string, string[]>();
    world.server.answer = ({ custom_id: id, params }, attempt) => {
      contents.set(id, [...(contents.get(id) ?? []), params.messages[0]?.content ?? '']);
      if (id === 'r-3' && attempt === 2) return errored('invalid_request_error');
      return {
        type: 'succeeded',
        message: id === 'r-0' || (id === 'r-1' && attempt === 2) ? 'good' : `bad ${attempt}`,
      };
    };
    const { results, end } = await world.collect({
      judge: async ({ result }, params) => {
        if (result.type === 'succeeded' && (result.message as unknown) === 'good') return { type: 'accepted' };
        const { messages } = (await params()) as { messages: { content: string }[] };
        return { type: 'rejected', reason: 'not good', params: asked(`${messages[0]?.content}, better`) };
      },
    });
    expect(contents.get('r-1')).toEqual(['question 1', 'question 1, better']);
    expect(contents.get('r-2')).toEqual(['question 2', 'question 2, better']);
    const byId = Object.fromEntries(results.map((result) => [result.customId, result]));
    expect(byId['r-1']).toMatchObject({ rejection: null, attempts: 2, result: { message: 'good' } });
    expect(byId['r-2']).toMatchObject({ rejection: 'not good', attempts: 2, result: { message: 'bad 2' } });
    // A failure never takes the place of an answer.
    expect(byId['r-3']).toMatchObject({ rejection: 'not good', attempts: 2, result: { message: 'bad 1' } });
    expect(end).toMatchObject({ report: { counts: { succeeded: 4, errored: 0 }, rejected: 2 } });
  });

  it('that has nothing better to ask has the last word', async () => {
    const world = new World({ requests: 2 });
    const { end } = await world.settle({ judge: () => ({ type: 'rejected', reason: 'no', params: null }) });
    expect(end).toMatchObject({ report: { rejected: 2, retried: { attempts: 0 } } });
  });
});

describe('a Batchwright', () => {
  it('gives results while the batch runs', async () => {
    const world = new World({ requests: 10, batchRequests: 10 });
    world.server.isBatchwright = true;
    world.server.batchMs = 100_000;
    const run = world.run();
    const cameAtMs: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { customId } of run) cameAtMs.push(customId === '' ? 0 : world.clock.now() - START_MS);
    };
    await world.until(read());
    expect(cameAtMs).toHaveLength(10);
    expect(cameAtMs[0]).toBeLessThan(15_000);
    expect(cameAtMs[5]).toBeLessThan(65_000);
    expect(world.server.downloads.size).toBe(0);
    expect(world.types().slice(-2)).toEqual(['ended', 'downloaded']);
  });
});

describe('progress', () => {
  it('takes what was settled before a run was left for no news', async () => {
    const world = new World({ requests: 400, batchRequests: 200 });
    world.server.onCreate = (number) => (number === 1 ? 'unauthorized' : null);
    await expect(world.settle({ queuedRequests: 200 })).rejects.toMatchObject({ status: 401 });
    world.store = world.store.die();
    const rates: (number | null)[] = [];
    await world.settle({
      onProgress: ({ resultsPerSecond: rate, counts }) => counts.succeeded === 200 && rates.push(rate),
    });
    expect(rates.length).toBeGreaterThan(0);
    expect(rates.every((rate) => rate === null)).toBe(true);
  });

  it('tells of every batch, of what came, and of what it waits for', async () => {
    const world = new World({ requests: 10, batchRequests: 4, requestNanoUsd: 100 });
    const seen: string[] = [];
    world.server.onCreate = (number) => (number === 1 ? 'busy' : null);
    world.server.busyMs = 30_000;
    const run = world.run({
      onProgress: ({ phase, batches, counts, waitingFor }) =>
        seen.push([phase, ...batches.map(({ state }) => state), counts.succeeded, waitingFor ?? '-'].join(' ')),
    });
    await world.until(run.settle());
    expect(seen).toContain('running in_progress planned planned 0 the server answered 429; next try in 30 s');
    expect(seen.at(-1)).toBe('writing downloaded downloaded downloaded 10 -');
    expect(run.progress).toMatchObject({ requests: 10, retrying: 0, expectedNanoUsd: 1000, batches: { length: 3 } });
    expect(run.progress.totals.get('claude-haiku-4-5-20251001')).toMatchObject({ requests: 10, outputTokens: 50 });
  });
});
