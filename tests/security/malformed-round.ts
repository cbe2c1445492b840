import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig, startServer } from '@batchwright/server';
import fc from 'fast-check';
import { create, items, itemTaking, list } from '../harness/batches.ts';
import { caller, type Caller } from '../harness/caller.ts';
import { raw } from '../harness/raw-http.ts';
import { openWorkspaces } from '../harness/workspaces.ts';
import { answersIn, faultsOf, saidOf, say } from './conversation.ts';
import { malformedCalls, type MalformedCall } from './malformed-calls.ts';

/** What came of many calls to one server. */
export interface MalformedReport {
  /** Promises broken, with the call that did it. */
  readonly violations: readonly string[];
  readonly cases: number;
  /** Calls that were well-formed by chance, and made a batch. */
  readonly accepted: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

/** Calls under way at once; those that are waited for in silence would else take all the time there is. */
const AT_ONCE = 24;

/**
 * Says `cases` things to a server of its own, drawn from a seed: whatever it is, it is answered below 500, in the
 * envelope, and what was refused leaves no trace.
 */
export async function malformedRound(seed: number, cases: number): Promise<MalformedReport> {
  const dataDir = await mkdtemp(join(tmpdir(), 'batchwright-malformed-'));
  const key = randomUUID();
  // In virtual time what is accepted by chance costs no sync of the disk; it moves, so that what asks a model is answered.
  const settings = { port: 0, clock: 'virtual', simulatorProfile: 'instant', logLevel: 'silent' } as const;
  const server = await startServer({ ...defaultConfig, ...settings, dataDir, apiKey: key });
  try {
    const by = caller(server.url, key, '');
    const foreigner = await foreignCaller(dataDir, server.url);
    const running = await create(by, [itemTaking('endless', 3_600_000)]);
    const kept = [running, await create(by, items(2))];
    const others = [...kept.map(({ id }) => id), (await create(foreigner, items(2))).id];
    const calls = fc.sample(malformedCalls({ key, batchId: running.id, otherIds: others }), { numRuns: cases, seed });
    const tally = await whileTimePasses(server.url, sayAll(Number(new URL(server.url).port), calls));
    return { ...tally, cases, violations: [...tally.violations, ...(await traces(by, foreigner, dataDir))] };
  } finally {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function foreignCaller(dataDir: string, url: string): Promise<Caller> {
  const workspaces = await openWorkspaces(dataDir);
  try {
    return await workspaces.add(url);
  } finally {
    await workspaces.close();
  }
}

/** More than the simulated upstream takes, so that a busy machine need not take many steps. */
const STEP_MS = 100;

/** Step by step, each when what the one before brought is done. */
async function whileTimePasses<Result>(url: string, promise: Promise<Result>): Promise<Result> {
  let isOver = false;
  const passing = async (): Promise<void> => {
    while (!isOver)
      await raw(url, { method: 'POST', path: '/sim/clock', body: JSON.stringify({ advance_ms: STEP_MS }) });
  };
  const [result] = await Promise.all([promise.finally(() => (isOver = true)), passing()]);
  return result;
}

async function sayAll(port: number, calls: readonly MalformedCall[]): Promise<Omit<MalformedReport, 'cases'>> {
  const violations: string[] = [];
  const statuses = new Map<number, number>();
  let accepted = 0;
  const rest = calls.values();
  const speaker = async (): Promise<void> => {
    for (const call of rest) {
      const heard = await say(port, call);
      for (const fault of faultsOf(call, heard)) violations.push(`${fault}\n  after ${JSON.stringify(saidOf(call))}`);
      for (const { status, body } of answersIn(heard)) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200 && body.startsWith('{"id":"msgbatch_') && saidOf(call).startsWith('POST')) accepted++;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, speaker));
  return { violations, statuses, accepted };
}

/** What is on the disk beside the batches that the API shows: each refused body would lie there. */
async function traces(by: Caller, foreigner: Caller, dataDir: string): Promise<readonly string[]> {
  const known = new Set([...(await idsOf(by)), ...(await idsOf(foreigner))]);
  const stored = await readdir(join(dataDir, 'batches'));
  return [
    ...stored.filter((id) => !known.has(id)).map((id) => `${id} is on the disk and in no list`),
    ...[...known].filter((id) => !stored.includes(id)).map((id) => `${id} is in a list and not on the disk`),
  ];
}

async function idsOf(by: Caller): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let after = '', hasMore = true; hasMore; after = `&after_id=${ids.at(-1) ?? ''}`) {
    const page = await list(by, `?limit=1000${after}`);
    ids.push(...page.data.map(({ id }) => id));
    hasMore = page.has_more;
  }
  return ids;
}
