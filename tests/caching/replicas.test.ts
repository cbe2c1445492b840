import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { create, results, tallyOf, type Item } from '../harness/batches.ts';
import { raw } from '../harness/raw-http.ts';
import { startReplica, type Replica } from '../harness/replicas.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * A whole server before three replicas of one model, each with a cache of its own, over HTTP and in real time. What must
 * hold is therefore said with room to spare; the exact bounds are held by the tests of what decides.
 */
const MODEL = 'claude-sonnet-4-5';
const REPLICAS = 3;
const CONCURRENCY = 12;
const DOCUMENTS = 12;
const QUESTIONS = 20;
const DOC_TOKENS = 2000;

let replicas: Replica[];
let server: TestServer;
beforeEach(async () => {
  replicas = await Promise.all(Array.from({ length: REPLICAS }, startReplica));
});
afterEach(async () => {
  await server.close();
  await Promise.all(replicas.map((replica) => replica.close()));
});

async function serve(upstreamProfile: 'vllm' | 'anthropic'): Promise<void> {
  const baseUrls = replicas.map(({ url }) => url);
  const upstream = { type: 'messages', baseUrls } as const;
  server = await startTestServer({ clock: 'real', upstream, upstreamProfile, concurrency: CONCURRENCY });
}

function question(document: number, n: number): Item {
  const text = `document ${document} `.padEnd(DOC_TOKENS * 4, 'lorem ipsum ');
  const content = [
    { type: 'text', text, cache_control: { type: 'ephemeral' } },
    { type: 'text', text: `question ${n} of ${document}` },
  ];
  const params = { model: MODEL, max_tokens: 50, messages: [{ role: 'user', content }] };
  return { custom_id: `d${document}-${n}`, params };
}

/** One question of each document after another. */
function questions(documents = DOCUMENTS, count = QUESTIONS): readonly Item[] {
  return Array.from({ length: documents * count }, (_, i) => question(i % documents, Math.floor(i / documents)));
}

/** Runs a batch to its end; all of it succeeds. */
async function run(requests: readonly Item[]): Promise<void> {
  const { id } = await create(server.k1a, requests);
  await server.finish(server.k1a, id);
  expect(tallyOf(await results(server.k1a, id))).toMatchObject({ succeeded: requests.length });
}

const answered = (): number[] => replicas.map(({ simulator }) => simulator.ledger().totals.requests);

/** How many replicas have read each document, on average. */
function readersPerDocument(): number {
  const written = replicas.reduce((sum, { simulator }) => sum + simulator.ledger().totals.write5mTokens, 0);
  return written / (DOC_TOKENS * DOCUMENTS);
}

async function metrics(): Promise<string> {
  return (await raw(server.url, { path: '/metrics' })).text;
}

describe('a batch before three replicas', () => {
  test('has each document read by one of them, and each of them a third of the work', async () => {
    await serve('vllm');
    await run(questions());
    expect(readersPerDocument()).toBeLessThan(1.5);
    for (const share of answered()) {
      expect(share / (DOCUMENTS * QUESTIONS)).toBeGreaterThan(0.2);
      expect(share / (DOCUMENTS * QUESTIONS)).toBeLessThan(0.47);
    }
    const most = Math.ceil((1.25 * CONCURRENCY) / REPLICAS);
    for (const { simulator } of replicas) expect(simulator.peakInFlight).toBeLessThanOrEqual(most);
  });

  test('finds in the next batch what they have read in this', async () => {
    await serve('vllm');
    await run(questions());
    const before = readersPerDocument();
    await run(questions());
    expect(readersPerDocument() - before).toBeLessThan(0.75);
  });

  test('goes to whoever has least to do where all share a cache', async () => {
    await serve('anthropic');
    await run(questions());
    // Here they share none, and so it shows.
    expect(readersPerDocument()).toBeGreaterThan(2);
    for (const share of answered()) expect(share / (DOCUMENTS * QUESTIONS)).toBeGreaterThan(0.25);
  });
});

describe('a replica that is down', () => {
  test('costs no request, and takes part again once it is back', async () => {
    const [down] = replicas as [Replica];
    await down.goDown();
    await serve('vllm');
    await run(questions());
    expect(answered()[0]).toBe(0);
    expect(answered().reduce((sum, count) => sum + count)).toBe(DOCUMENTS * QUESTIONS);
    expect(await metrics()).toContain(`batchwright_replica_passed_over{replica="${down.url}"} 1`);

    await down.comeBack();
    await server.until(async () => {
      await run(questions(REPLICAS * 4, 3));
      return (answered()[0] as number) > 0;
    });
    await run(questions());
    expect((answered()[0] as number) / (DOCUMENTS * QUESTIONS)).toBeGreaterThan(0.2);
    expect(await metrics()).toContain(`batchwright_replica_passed_over{replica="${down.url}"} 0`);
  });

  test('while a batch runs, breaks off calls that are then made elsewhere', async () => {
    await serve('vllm');
    const { id } = await create(server.k1a, questions());
    const [down] = replicas as [Replica];
    await server.until(() => Promise.resolve((answered()[0] as number) >= 10));
    await down.goDown();
    await server.finish(server.k1a, id);
    expect(tallyOf(await results(server.k1a, id))).toMatchObject({ succeeded: DOCUMENTS * QUESTIONS });
    expect((answered()[1] as number) + (answered()[2] as number)).toBeGreaterThan(DOCUMENTS * QUESTIONS * 0.5);
  });
});

test('calls outside of batches go to the replicas in turn', async () => {
  await serve('vllm');
  for (let i = 0; i < 2 * REPLICAS; i++) {
    const { params } = question(1, i);
    expect((await server.k1a.post('/v1/messages', params)).status).toBe(200);
  }
  expect(answered()).toEqual([2, 2, 2]);
  expect((await server.k1a.get('/v1/models')).status).toBe(200);
  const text = await metrics();
  for (const { url } of replicas) {
    expect(text).toContain(`batchwright_replica_in_flight{replica="${url}"} 0`);
    expect(text).toMatch(new RegExp(`batchwright_replica_answers_total\\{replica="${url}",class="ok"\\} [23]\\n`));
  }
});
