/**
 * The two catalogs as each other's oracle: whatever is asked of both, in whatever order, they answer the same. The
 * conformance suite states what the answers are; this finds the sequences nobody thought of.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, batchId, checkpoint, DAY_US, newBatch, newKey, sources, workspaceId } from '../catalog.fixture.ts';
import type { Catalog, Lease } from '../catalog.ts';
import { createMemoryCatalog } from '../memory/memory-catalog.ts';
import { openSqliteCatalog } from './sqlite-catalog.ts';

/** What one side remembers: leases are values it was handed, the last few of each batch. */
interface Side {
  readonly catalog: Catalog;
  readonly leases: Lease[];
}

interface Step {
  readonly name: string;
  readonly ask: (side: Side) => Promise<unknown>;
}

const AWAY = workspaceId('away');
const workspaceOf = async ({ catalog }: Side, home: boolean) => (home ? (await catalog.workspaces.default()).id : AWAY);

const label = fc.integer({ min: 0, max: 6 });
const home = fc.boolean();
// On a coarse grid, so that moments and the ends of leases often coincide.
const nowUs = fc.integer({ min: 0, max: 12 }).map((tick) => at(tick * 5));
const limit = fc.integer({ min: 1, max: 4 });
const leaseMs = fc.constantFrom(0, 0.005, 0.02);
const pick = fc.nat({ max: 5 });
const rows = fc.option(fc.nat({ max: 12 }));
const day = fc.nat({ max: 2 });
const settled = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }), fc.nat({ max: 2 }), fc.nat({ max: 2 }));

const countsOf = (requestCount: number, [succeeded, errored, canceled, expired]: readonly number[]) => {
  const parts = [succeeded, errored, canceled, expired].map((part) => part ?? 0) as [number, number, number, number];
  const processing = requestCount - parts[0] - parts[1] - parts[2] - parts[3];
  return { processing, succeeded: parts[0], errored: parts[1], canceled: parts[2], expired: parts[3] };
};

/** Covers more lines by costing more, as ledgers do. */
const ledgerOf = ({ rows: covered, day: offset }: { readonly rows: number | null; readonly day: number }) =>
  covered === null ? undefined : checkpoint(covered, { requests: covered, costNanoUsd: covered * 3 }, offset * DAY_US);

const withLease = (index: number, use: (side: Side, lease: Lease) => Promise<unknown>) => async (side: Side) => {
  const lease = side.leases.at(-1 - index);
  return lease === undefined ? 'no lease' : use(side, lease);
};

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ label, home, nowUs, size: fc.integer({ min: 1, max: 12 }), quota: fc.option(fc.constant(20)) })
    .map((a) => ({
      name: `create ${JSON.stringify(a)}`,
      ask: async (side: Side) =>
        side.catalog.batches.create(newBatch(await workspaceOf(side, a.home), a.label, a.size), a.nowUs, a.quota),
    })),
  fc.record({ nowUs, leaseMs, limit, node: fc.constantFrom('a', 'b') }).map((a) => ({
    name: `claim ${JSON.stringify(a)}`,
    ask: async (side: Side) => {
      const leases = await side.catalog.shards.claim(a.node, a.nowUs, a.leaseMs, a.limit);
      side.leases.push(...leases);
      return leases;
    },
  })),
  fc.record({ pick, nowUs, leaseMs }).map((a) => ({
    name: `renew ${JSON.stringify(a)}`,
    ask: withLease(a.pick, ({ catalog }, lease) => catalog.shards.renew(lease, a.nowUs, a.leaseMs)),
  })),
  fc.record({ pick, settled, rows, day }).map((a) => ({
    name: `progress ${JSON.stringify(a)}`,
    ask: withLease(a.pick, ({ catalog }, lease) =>
      catalog.shards.recordProgress(lease, countsOf(lease.batch.requestCount, a.settled), ledgerOf(a)),
    ),
  })),
  fc.record({ pick, nowUs, expired: fc.boolean(), rows, day }).map((a) => ({
    name: `end ${JSON.stringify(a)}`,
    ask: withLease(a.pick, ({ catalog }, lease) => {
      const total = lease.batch.requestCount;
      const counts = countsOf(total, a.expired ? [0, 0, 0, total] : [total, 0, 0, 0]);
      return catalog.shards.end(lease, counts, a.nowUs, ledgerOf(a));
    }),
  })),
  fc.record({ pick }).map((a) => ({
    name: `release ${a.pick}`,
    ask: withLease(a.pick, ({ catalog }, lease) => catalog.shards.release(lease)),
  })),
  fc.constantFrom('a', 'b').map((node) => ({
    name: `release all of ${node}`,
    ask: ({ catalog }: Side) => catalog.shards.releaseAll(node),
  })),
  fc.record({ label, home, budgetNanoUsd: fc.option(fc.nat({ max: 9 })) }).map((a) => ({
    name: `budget ${JSON.stringify(a)}`,
    ask: async (side: Side) =>
      side.catalog.batches.setBudget(await workspaceOf(side, a.home), batchId(a.label), a.budgetNanoUsd),
  })),
  fc.record({ label, home, nowUs }).map((a) => ({
    name: `cancel ${JSON.stringify(a)}`,
    ask: async (side: Side) => side.catalog.batches.cancel(await workspaceOf(side, a.home), batchId(a.label), a.nowUs),
  })),
  fc.record({ label, home, nowUs }).map((a) => ({
    name: `delete ${JSON.stringify(a)}`,
    ask: async (side: Side) => side.catalog.batches.delete(await workspaceOf(side, a.home), batchId(a.label), a.nowUs),
  })),
  fc.record({ label, nowUs }).map((a) => ({
    name: `archive ${JSON.stringify(a)}`,
    ask: ({ catalog }: Side) => catalog.batches.archive(batchId(a.label), a.nowUs),
  })),
  label.map((a) => ({ name: `forget ${a}`, ask: ({ catalog }: Side) => catalog.batches.forgetSegments(batchId(a)) })),
  fc.record({ nowUs, limit }).map((a) => ({
    name: `due ${JSON.stringify(a)}`,
    ask: ({ catalog }: Side) => catalog.batches.dueForArchive(a.nowUs, a.limit),
  })),
  fc.record({ home, label, limit, type: fc.constantFrom('after' as const, 'before' as const) }).map((a) => ({
    name: `list ${JSON.stringify(a)}`,
    ask: async (side: Side) =>
      side.catalog.batches.list(await workspaceOf(side, a.home), { type: a.type, id: batchId(a.label) }, a.limit),
  })),
  fc.record({ label, nowUs, home, expires: fc.option(nowUs) }).map((a) => ({
    name: `key ${JSON.stringify(a)}`,
    ask: async ({ catalog }: Side) => {
      const key = newKey(a.home ? (await catalog.workspaces.default()).id : AWAY, `k${a.label}`, {
        expiresAtUs: a.expires,
      });
      return [await catalog.workspaces.addKey(key), await catalog.workspaces.findKey(key.sha256, a.nowUs)];
    },
  })),
  fc.record({ label, nowUs }).map((a) => ({
    name: `revoke ${JSON.stringify(a)}`,
    ask: ({ catalog }: Side) => catalog.workspaces.revokeKey(newKey(AWAY, `k${a.label}`).id, a.nowUs),
  })),
);

/** Everything there is to see, asked after each step. */
async function view(side: Side): Promise<unknown> {
  const { batches, workspaces } = side.catalog;
  const lists = [];
  const usage = [];
  const accounts = [];
  for (const mine of [true, false]) {
    const id = await workspaceOf(side, mine);
    lists.push(await batches.list(id, { type: 'first' }, 3));
    usage.push(await workspaces.usage(id, '2026-11-01', '2026-11-30'));
    for (const i of [0, 1, 2, 3, 4, 5, 6]) accounts.push(await batches.account(id, batchId(i)));
  }
  return {
    lists,
    usage,
    accounts,
    tally: await batches.tally(),
    deleted: await batches.deletedBatches(9),
    oldest: await batches.oldestUnarchived(),
    exists: await Promise.all([0, 1, 2, 3, 4, 5, 6].map((i) => batches.exists(batchId(i)))),
    keys: await workspaces.listKeys(),
  };
}

const LIMIT_MS = 60_000;
/** Shrinking ends in time for the seed to be told. */
const IN_TIME = { plugins: [fc.interruptAfterTimeLimit(LIMIT_MS - 10_000, { failOnInterrupt: true })] };

/** An answer, or that there was none: mistakes are mistakes on both sides, in words of their own. */
const answer = (asked: Promise<unknown>) =>
  asked.then(
    (value) => ({ value }),
    () => 'mistake',
  );

test(
  'memory and SQLite answer every sequence of calls alike',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
        const memory: Side = { catalog: createMemoryCatalog(sources()), leases: [] };
        const sqlite: Side = { catalog: await openSqliteCatalog(':memory:', sources()), leases: [] };
        for (const { catalog } of [memory, sqlite]) {
          await catalog.workspaces.create({ id: AWAY, name: 'away', createdAtUs: at(0) });
        }
        for (const { name, ask } of steps) {
          expect(await answer(ask(sqlite)), name).toEqual(await answer(ask(memory)));
          expect(await view(sqlite), name).toEqual(await view(memory));
        }
        await sqlite.catalog.close();
      }),
      { numRuns: 150, ...IN_TIME },
    );
  },
  LIMIT_MS,
);
