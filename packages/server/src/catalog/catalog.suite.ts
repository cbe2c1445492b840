import type { BatchRecord } from '@batchwright/core';
import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { at, batchId, counts, DAY_US, newBatch, newKey, START_US, workspaceId } from './catalog.fixture.ts';
import type { Catalog, Cursor, Lease } from './catalog.ts';

/** A catalog under test, and the same store as a later process would find it, where there is such a thing. */
export interface OpenCatalog {
  readonly catalog: Catalog;
  reopen?(): Promise<Catalog>;
  close(): Promise<void>;
}

const LEASE_MS = 10_000;
const LEASE_US = LEASE_MS * 1000;

/** What every catalog does, whatever it is made of. */
export function catalogSuite(name: string, open: () => Promise<OpenCatalog>): void {
  describe(name, () => {
    let opened: OpenCatalog;
    let catalog: Catalog;
    let home: WorkspaceId;
    const away = workspaceId('away');
    beforeEach(async () => {
      opened = await open();
      catalog = opened.catalog;
      home = (await catalog.workspaces.default()).id;
      await catalog.workspaces.create({ id: away, name: 'away', createdAtUs: at(5) });
    });
    afterEach(() => opened.close());

    const later = async () => (await opened.reopen?.()) ?? catalog;
    const create = async (
      label: string | number,
      options: { count?: number; nowUs?: number; workspace?: WorkspaceId } = {},
    ) => {
      const { count = 10, nowUs = 0, workspace = home } = options;
      const outcome = await catalog.batches.create(newBatch(workspace, label, count), at(nowUs), null);
      if (outcome.type !== 'created') throw new Error(outcome.type);
      return outcome.batch;
    };
    const claimOne = async (node = 'node-a', nowUs = 0): Promise<Lease> => {
      const [lease] = await catalog.shards.claim(node, at(nowUs), LEASE_MS, 1);
      if (lease === undefined) throw new Error('nothing to claim');
      return lease;
    };
    const end = async (batch: BatchRecord, nowUs = 1000) => {
      const leases = await catalog.shards.claim('node-e', at(nowUs), 0, 1000);
      const lease = leases.find((candidate) => candidate.batch.id === batch.id);
      if (lease === undefined) throw new Error('not claimable');
      await catalog.shards.end(lease, counts(0, batch.requestCount), at(nowUs));
    };
    const found = (batch: BatchRecord) => catalog.batches.find(batch.workspaceId, batch.id);

    describe('founding', () => {
      test('makes an organisation with a version 4 UUID, and keeps it', async () => {
        expect(catalog.organizationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect((await later()).organizationId).toBe(catalog.organizationId);
      });

      test('makes one default workspace, and keeps it', async () => {
        const workspace = await catalog.workspaces.default();
        expect(workspace).toEqual({
          id: expect.stringMatching(/^wrkspc_01[1-9A-HJ-NP-Za-km-z]{22}$/),
          name: 'default',
          createdAtUs: START_US,
          isDefault: true,
        });
        expect(await (await later()).workspaces.default()).toEqual(workspace);
      });

      test('answers a ping', async () => {
        await expect(catalog.ping()).resolves.toBeUndefined();
      });
    });

    describe('workspaces', () => {
      test('are found by id and listed oldest first', async () => {
        await catalog.workspaces.create({ id: workspaceId('old'), name: 'old', createdAtUs: at(-5) });
        expect((await catalog.workspaces.list()).map(({ name: label }) => label)).toEqual(['old', 'default', 'away']);
        expect(await catalog.workspaces.find(away)).toEqual({
          id: away,
          name: 'away',
          createdAtUs: at(5),
          isDefault: false,
        });
        expect(await catalog.workspaces.find(workspaceId('none'))).toBe(null);
      });

      test('have unique names; a taken one stores nothing', async () => {
        const again = { id: workspaceId('again'), name: 'away', createdAtUs: at(9) };
        expect(await catalog.workspaces.create(again)).toBe('name_taken');
        expect(await catalog.workspaces.find(again.id)).toBe(null);
        expect(await catalog.workspaces.create({ ...again, name: 'other' })).toBe('created');
      });
    });

    describe('keys', () => {
      test('are found by their hash, without it', async () => {
        const { sha256, ...key } = newKey(home, 'k');
        expect(await catalog.workspaces.addKey({ ...key, sha256 })).toBe('created');
        expect(await (await later()).workspaces.findKey(sha256, at(0))).toEqual({ ...key, revokedAtUs: null });
        expect(await catalog.workspaces.findKey('f'.repeat(64), at(0))).toBe(null);
      });

      test('of a hash that is there change nothing', async () => {
        const key = newKey(home, 'k');
        await catalog.workspaces.addKey(key);
        expect(await catalog.workspaces.addKey({ ...newKey(away, 'other'), sha256: key.sha256 })).toBe('exists');
        expect((await catalog.workspaces.findKey(key.sha256, at(0)))?.workspaceId).toBe(home);
        expect(await catalog.workspaces.listKeys()).toHaveLength(1);
      });

      test('are dead from the moment they expire', async () => {
        const key = newKey(home, 'k', { expiresAtUs: at(100) });
        await catalog.workspaces.addKey(key);
        expect(await catalog.workspaces.findKey(key.sha256, at(99))).not.toBe(null);
        expect(await catalog.workspaces.findKey(key.sha256, at(100))).toBe(null);
      });

      test('are dead once revoked, and keep the first moment', async () => {
        const key = newKey(home, 'k');
        await catalog.workspaces.addKey(key);
        expect(await catalog.workspaces.revokeKey(key.id, at(7))).toBe('revoked');
        expect(await catalog.workspaces.revokeKey(key.id, at(9))).toBe('revoked');
        expect(await catalog.workspaces.findKey(key.sha256, at(7))).toBe(null);
        expect((await catalog.workspaces.listKeys()).map(({ revokedAtUs }) => revokedAtUs)).toEqual([at(7)]);
        expect(await catalog.workspaces.revokeKey(newKey(home, 'none').id, at(7))).toBe('missing');
      });

      test('are listed oldest first', async () => {
        for (const [label, offset] of [
          ['b', 2],
          ['a', 1],
          ['c', 2],
        ] as const) {
          await catalog.workspaces.addKey(newKey(home, label, { createdAtUs: at(offset) }));
        }
        expect((await catalog.workspaces.listKeys()).map(({ name: label }) => label)).toEqual(['a', 'b', 'c']);
      });

      test('need a workspace', async () => {
        await expect(catalog.workspaces.addKey(newKey(workspaceId('none'), 'k'))).rejects.toThrow();
      });
    });

    describe('creating a batch', () => {
      test('stores everything it was given, and it can be found', async () => {
        const given = { ...newBatch(home, 1, 7), userProfileId: 'user-1', betas: ['a', 'b'] };
        const outcome = await catalog.batches.create(given, at(0), null);
        const record = {
          ...given,
          status: 'in_progress',
          createdAtUs: at(0),
          expiresAtUs: at(DAY_US),
          cancelInitiatedAtUs: null,
          endedAtUs: null,
          archivedAtUs: null,
          counts: counts(7, 0),
        };
        expect(outcome).toEqual({ type: 'created', batch: record });
        expect(await (await later()).batches.find(home, given.id)).toEqual(record);
        expect(await catalog.batches.exists(given.id)).toBe(true);
        expect(await catalog.batches.exists(batchId('none'))).toBe(false);
      });

      test('orders batches totally, whatever the clock says', async () => {
        const moments = [];
        for (const [label, nowUs] of [
          ['a', 50],
          ['b', 50],
          ['c', 20],
          ['d', 52],
          ['e', 90],
        ] as const) {
          moments.push((await create(label, { nowUs, workspace: label === 'b' ? away : home })).createdAtUs);
        }
        expect(moments).toEqual([at(50), at(51), at(52), at(53), at(90)]);
      });

      test('orders a batch after one that was deleted', async () => {
        const first = await create('a', { nowUs: 50 });
        await end(first);
        await catalog.batches.delete(home, first.id, at(2000));
        expect((await create('b', { nowUs: 50 })).createdAtUs).toBe(at(51));
      });

      test('refuses when the workspace would have more queued than its limit, and stores nothing', async () => {
        await create('a', { count: 6 });
        await create('other', { count: 100, workspace: away });
        expect(await catalog.batches.create(newBatch(home, 'b', 5), at(1), 10)).toEqual({
          type: 'queue_full',
          queued: 6,
        });
        expect(await catalog.batches.exists(batchId('b'))).toBe(false);
        expect((await catalog.batches.create(newBatch(home, 'c', 4), at(2), 10)).type).toBe('created');
        expect(await catalog.batches.create(newBatch(home, 'd', 1), at(3), 10)).toEqual({
          type: 'queue_full',
          queued: 10,
        });
      });

      test('counts as queued only what is still processing', async () => {
        await create('a', { count: 10 });
        const lease = await claimOne();
        await catalog.shards.recordProgress(lease, counts(4, 6));
        expect(await catalog.batches.create(newBatch(home, 'b', 7), at(1), 10)).toEqual({
          type: 'queue_full',
          queued: 4,
        });
        await catalog.shards.end(lease, counts(0, 10), at(2));
        expect((await catalog.batches.create(newBatch(home, 'c', 10), at(3), 10)).type).toBe('created');
      });

      test('under an id that exists, even as a tombstone, is a mistake', async () => {
        const batch = await create('a');
        await expect(create('a')).rejects.toThrow();
        await end(batch);
        await catalog.batches.delete(home, batch.id, at(2000));
        await expect(create('a')).rejects.toThrow();
      });

      test('needs a workspace', async () => {
        await expect(create('a', { workspace: workspaceId('none') })).rejects.toThrow();
      });
    });

    describe('listing', () => {
      const ids = (labels: readonly (string | number)[]) => labels.map(batchId);
      const list = async (cursor: Cursor, limit: number, workspace = home) => {
        const page = await catalog.batches.list(workspace, cursor, limit);
        return page === 'unknown_cursor' ? page : { ids: page.batches.map(({ id }) => id), hasMore: page.hasMore };
      };
      const after = (label: string | number): Cursor => ({ type: 'after', id: batchId(label) });
      const before = (label: string | number): Cursor => ({ type: 'before', id: batchId(label) });
      const first: Cursor = { type: 'first' };

      test('an empty workspace is an empty page', async () => {
        expect(await list(first, 20)).toEqual({ ids: [], hasMore: false });
      });

      test('walks 45 batches as 20, 20 and 5, newest first', async () => {
        for (let i = 1; i <= 45; i++) await create(i, { nowUs: i });
        const range = (from: number, to: number) => ids(Array.from({ length: from - to + 1 }, (_, i) => from - i));
        expect(await list(first, 20)).toEqual({ ids: range(45, 26), hasMore: true });
        expect(await list(after(26), 20)).toEqual({ ids: range(25, 6), hasMore: true });
        expect(await list(after(6), 20)).toEqual({ ids: range(5, 1), hasMore: false });
        expect(await list(after(1), 20)).toEqual({ ids: [], hasMore: false });
      });

      test('says there is no more when the page is exactly full', async () => {
        for (let i = 1; i <= 3; i++) await create(i);
        expect(await list(first, 3)).toEqual({ ids: ids([3, 2, 1]), hasMore: false });
        expect(await list(before(1), 2)).toEqual({ ids: ids([3, 2]), hasMore: false });
      });

      test('before a cursor are the ones next to it, newest first', async () => {
        for (let i = 1; i <= 9; i++) await create(i);
        expect(await list(before(2), 3)).toEqual({ ids: ids([5, 4, 3]), hasMore: true });
        expect(await list(before(6), 3)).toEqual({ ids: ids([9, 8, 7]), hasMore: false });
        expect(await list(before(9), 3)).toEqual({ ids: [], hasMore: false });
      });

      test('a walk to older batches is not disturbed by new ones', async () => {
        for (let i = 1; i <= 4; i++) await create(i);
        expect(await list(first, 2)).toEqual({ ids: ids([4, 3]), hasMore: true });
        await create('new');
        expect(await list(after(3), 2)).toEqual({ ids: ids([2, 1]), hasMore: false });
        expect(await list(before(4), 2)).toEqual({ ids: ids(['new']), hasMore: false });
      });

      test('a deleted batch is absent and still serves as a cursor', async () => {
        const all = [];
        for (let i = 1; i <= 5; i++) all.push(await create(i));
        const third = all[2] as BatchRecord;
        await end(third);
        expect(await catalog.batches.delete(home, third.id, at(2000))).toBe('deleted');
        await catalog.batches.forgetSegments(third.id);
        expect(await list(first, 20)).toEqual({ ids: ids([5, 4, 2, 1]), hasMore: false });
        expect(await list(after(3), 20)).toEqual({ ids: ids([2, 1]), hasMore: false });
        expect(await list(before(3), 1)).toEqual({ ids: ids([4]), hasMore: true });
      });

      test('an id never seen in the workspace is an unknown cursor', async () => {
        await create('mine');
        await create('theirs', { workspace: away });
        expect(await list(after('none'), 20)).toBe('unknown_cursor');
        expect(await list(before('none'), 20)).toBe('unknown_cursor');
        expect(await list(after('theirs'), 20)).toBe('unknown_cursor');
        expect(await list({ type: 'after', id: "' OR 1=1 --" }, 20)).toBe('unknown_cursor');
        expect(await list(first, 20)).toEqual({ ids: ids(['mine']), hasMore: false });
        expect(await list(first, 20, away)).toEqual({ ids: ids(['theirs']), hasMore: false });
      });
    });

    describe('budgets', () => {
      test('are set, changed and lifted, for good', async () => {
        const batch = await create('b');
        expect(batch.options.budgetNanoUsd).toBe(null);
        for (const budgetNanoUsd of [12_500_000_000, 1, null]) {
          const capped = { ...batch, options: { ...batch.options, budgetNanoUsd } };
          expect(await catalog.batches.setBudget(home, batch.id, budgetNanoUsd)).toEqual(capped);
          expect(await (await later()).batches.find(home, batch.id)).toEqual(capped);
        }
      });

      test('are part of the batch that is claimed, and survive its cancel', async () => {
        const batch = await create('b');
        await catalog.batches.setBudget(home, batch.id, 7);
        await catalog.batches.cancel(home, batch.id, at(5));
        expect((await claimOne()).batch).toMatchObject({ status: 'canceling', options: { budgetNanoUsd: 7 } });
      });

      test('of a batch that ended stay as they were, and nobody sets another workspace’s', async () => {
        const batch = await create('b');
        expect(await catalog.batches.setBudget(away, batch.id, 7)).toBe('missing');
        expect(await catalog.batches.setBudget(home, batchId('none'), 7)).toBe('missing');
        await end(batch);
        expect(await catalog.batches.setBudget(home, batch.id, 7)).toEqual(await found(batch));
        expect((await found(batch))?.options.budgetNanoUsd).toBe(null);
      });
    });

    describe('canceling', () => {
      test('moves a running batch to canceling, once', async () => {
        const batch = await create('a');
        const canceling = { ...batch, status: 'canceling', cancelInitiatedAtUs: at(5) };
        expect(await catalog.batches.cancel(home, batch.id, at(5))).toEqual(canceling);
        expect(await catalog.batches.cancel(home, batch.id, at(9))).toEqual(canceling);
        expect(await found(batch)).toEqual(canceling);
      });

      test('leaves an ended batch as it is', async () => {
        const batch = await create('a');
        await end(batch);
        const ended = await found(batch);
        expect(ended?.status).toBe('ended');
        expect(await catalog.batches.cancel(home, batch.id, at(5000))).toEqual(ended);
      });
    });

    describe('deleting', () => {
      test('is refused while the batch runs or cancels', async () => {
        const batch = await create('a');
        expect(await catalog.batches.delete(home, batch.id, at(1))).toBe('still_running');
        await catalog.batches.cancel(home, batch.id, at(2));
        expect(await catalog.batches.delete(home, batch.id, at(3))).toBe('still_running');
        expect((await found(batch))?.status).toBe('canceling');
      });

      test('leaves nothing to find, cancel or delete', async () => {
        const batch = await create('a');
        await end(batch);
        expect(await catalog.batches.delete(home, batch.id, at(2000))).toBe('deleted');
        expect(await found(batch)).toBe(null);
        expect(await catalog.batches.exists(batch.id)).toBe(false);
        expect(await catalog.batches.cancel(home, batch.id, at(2001))).toBe('missing');
        expect(await catalog.batches.delete(home, batch.id, at(2001))).toBe('missing');
      });

      test('names the batch for the removal of its segments until they are gone, oldest first', async () => {
        const all = [await create('a'), await create('b'), await create('c')];
        for (const batch of all) await end(batch);
        for (const batch of all.toReversed()) await catalog.batches.delete(home, batch.id, at(2000));
        expect(await catalog.batches.deletedBatches(2)).toEqual([batchId('a'), batchId('b')]);
        await catalog.batches.forgetSegments(batchId('a'));
        await catalog.batches.forgetSegments(batchId('a'));
        expect(await (await later()).batches.deletedBatches(9)).toEqual([batchId('b'), batchId('c')]);
      });

      test('must come before its segments can be forgotten', async () => {
        const batch = await create('a');
        await catalog.batches.forgetSegments(batch.id);
        await end(batch);
        await catalog.batches.delete(home, batch.id, at(2000));
        expect(await catalog.batches.deletedBatches(9)).toEqual([batch.id]);
      });
    });

    test('a foreign batch is missing everywhere', async () => {
      const batch = await create('a', { workspace: away });
      await end(batch);
      expect(await catalog.batches.find(home, batch.id)).toBe(null);
      expect(await catalog.batches.cancel(home, batch.id, at(2000))).toBe('missing');
      expect(await catalog.batches.delete(home, batch.id, at(2000))).toBe('missing');
      expect(await catalog.batches.list(home, { type: 'before', id: batch.id }, 5)).toBe('unknown_cursor');
      expect(await catalog.batches.find(away, batch.id)).not.toBe(null);
    });

    describe('archiving', () => {
      test('is due for ended batches, by their creation, oldest first', async () => {
        const all = [];
        for (const [label, nowUs] of [
          ['a', 10],
          ['b', 20],
          ['c', 30],
          ['d', 40],
        ] as const) {
          all.push(await create(label, { nowUs }));
        }
        for (const batch of all.slice(1)) await end(batch);
        expect(await catalog.batches.dueForArchive(at(30), 9)).toEqual([batchId('b'), batchId('c')]);
        expect(await catalog.batches.dueForArchive(at(30), 1)).toEqual([batchId('b')]);
        await catalog.batches.archive(batchId('b'), at(9000));
        await catalog.batches.delete(home, batchId('c'), at(9000));
        expect(await catalog.batches.dueForArchive(at(99), 9)).toEqual([batchId('d')]);
      });

      test('keeps the batch and the first moment', async () => {
        const batch = await create('a');
        await catalog.batches.archive(batch.id, at(5));
        expect((await found(batch))?.archivedAtUs).toBe(null);
        await end(batch);
        await catalog.batches.archive(batch.id, at(9000));
        await catalog.batches.archive(batch.id, at(9999));
        await catalog.batches.archive(batchId('none'), at(9999));
        expect(await found(batch)).toMatchObject({ status: 'ended', archivedAtUs: at(9000), counts: counts(0, 10) });
      });

      test('knows the oldest batch that is neither archived nor deleted', async () => {
        expect(await catalog.batches.oldestUnarchived()).toBe(null);
        const all = [await create('a', { nowUs: 1 }), await create('b', { nowUs: 2 }), await create('c', { nowUs: 3 })];
        expect(await catalog.batches.oldestUnarchived()).toBe(at(1));
        for (const batch of all.slice(0, 2)) await end(batch);
        await catalog.batches.archive(batchId('a'), at(9000));
        expect(await catalog.batches.oldestUnarchived()).toBe(at(2));
        await catalog.batches.delete(home, batchId('b'), at(9000));
        expect(await catalog.batches.oldestUnarchived()).toBe(at(3));
      });
    });

    test('the tally counts batches by state and requests by counter, over all workspaces', async () => {
      const empty = { in_progress: 0, canceling: 0, ended: 0, archived: 0 };
      expect(await catalog.batches.tally()).toEqual({ batches: empty, requests: counts(0, 0) });
      const gone = await create('gone', { count: 1000 });
      const ended = await create('ended', { count: 5 });
      const archived = await create('archived', { count: 7, workspace: away });
      for (const batch of [gone, ended, archived]) await end(batch);
      await catalog.batches.archive(archived.id, at(9000));
      await catalog.batches.delete(home, gone.id, at(9000));
      await create('running', { count: 11 });
      const lease = await claimOne('node-a', 9000);
      await catalog.shards.recordProgress(lease, counts(4, 1, { errored: 2, canceled: 1, expired: 3 }));
      await create('canceling', { count: 100, workspace: away });
      await catalog.batches.cancel(away, batchId('canceling'), at(9000));
      expect(await (await later()).batches.tally()).toEqual({
        batches: { in_progress: 1, canceling: 1, ended: 1, archived: 1 },
        requests: { processing: 104, succeeded: 13, errored: 2, canceled: 1, expired: 3 },
      });
    });

    describe('a shard', () => {
      test('is claimed once, with its batch and a first epoch', async () => {
        const batch = await create('a');
        expect(await catalog.shards.claim('node-a', at(1), LEASE_MS, 5)).toEqual([{ batch, shard: 0, epoch: 1 }]);
        expect(await catalog.shards.claim('node-b', at(2), LEASE_MS, 5)).toEqual([]);
        expect(await catalog.shards.claim('node-a', at(2), LEASE_MS, 5)).toEqual([]);
      });

      test('is claimed nearest expiry first, up to the limit', async () => {
        for (const label of ['a', 'b', 'c']) await create(label);
        const claimed = async (limit: number) =>
          (await catalog.shards.claim('node-a', at(1), LEASE_MS, limit)).map(({ batch }) => batch.id);
        expect(await claimed(2)).toEqual([batchId('a'), batchId('b')]);
        expect(await claimed(2)).toEqual([batchId('c')]);
        expect(await claimed(2)).toEqual([]);
      });

      test('is claimed by the name of its batch before its turn, and still once', async () => {
        for (const id of ['a', 'b']) await create(id);
        const claimed = async (id: string, nowUs: number) =>
          (await catalog.shards.claim('node-a', at(nowUs), LEASE_MS, 5, batchId(id))).map(({ batch }) => batch.id);
        expect(await claimed('b', 1)).toEqual([batchId('b')]);
        expect(await claimed('b', 2)).toEqual([]);
        expect(await claimed('none', 2)).toEqual([]);
        expect(await catalog.shards.claim('node-a', at(3), LEASE_MS, 5)).toMatchObject([
          { batch: { id: batchId('a') } },
        ]);
      });

      test('can be claimed again from the moment its lease runs out, under the next epoch', async () => {
        await create('a');
        await claimOne('node-a', 0);
        expect(await catalog.shards.claim('node-b', at(LEASE_US - 1), LEASE_MS, 1)).toEqual([]);
        expect(await claimOne('node-b', LEASE_US)).toMatchObject({ epoch: 2 });
      });

      test('stays with its owner while the lease is renewed', async () => {
        const batch = await create('a');
        const lease = await claimOne('node-a', 0);
        expect(await catalog.shards.renew(lease, at(LEASE_US / 2), LEASE_MS)).toEqual(batch);
        expect(await catalog.shards.claim('node-b', at(LEASE_US), LEASE_MS, 1)).toEqual([]);
        expect(await claimOne('node-b', LEASE_US * 1.5)).toMatchObject({ epoch: 2 });
      });

      test('may be renewed after its lease ran out, as long as nobody else has claimed it', async () => {
        await create('a');
        const lease = await claimOne('node-a', 0);
        expect(await catalog.shards.renew(lease, at(LEASE_US * 3), LEASE_MS)).not.toBe(null);
        expect(await catalog.shards.claim('node-b', at(LEASE_US * 3), LEASE_MS, 1)).toEqual([]);
      });

      test('that was lost takes no write of its former owner', async () => {
        const batch = await create('a');
        const former = await claimOne('node-a', 0);
        const owner = await claimOne('node-b', LEASE_US);
        expect(await catalog.shards.renew(former, at(LEASE_US), LEASE_MS)).toBe(null);
        expect(await catalog.shards.recordProgress(former, counts(0, 10))).toBe('lost');
        expect(await catalog.shards.end(former, counts(0, 10), at(LEASE_US))).toBe('lost');
        expect(await catalog.shards.release(former)).toBe('lost');
        expect(await found(batch)).toEqual(batch);
        expect(await catalog.shards.claim('node-c', at(LEASE_US + 1), LEASE_MS, 1)).toEqual([]);
        expect(await catalog.shards.recordProgress(owner, counts(9, 1))).toBe('written');
      });

      test('tells its owner of a cancel made elsewhere', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        await (await later()).batches.cancel(home, batch.id, at(3));
        expect(await catalog.shards.renew(lease, at(4), LEASE_MS)).toMatchObject({
          status: 'canceling',
          cancelInitiatedAtUs: at(3),
        });
      });

      test('is free at once when released, under the next epoch', async () => {
        await create('a');
        const lease = await claimOne('node-a', 0);
        expect(await catalog.shards.release(lease)).toBe('written');
        expect(await claimOne('node-b', 1)).toMatchObject({ epoch: 2 });
      });

      test('of a former process of the node is free when all are released, and others are not', async () => {
        await create('a');
        await create('b');
        const former = await claimOne('node-a', 0);
        await claimOne('node-b', 0);
        await catalog.shards.releaseAll('node-a');
        const again = await catalog.shards.claim('node-a', at(1), LEASE_MS, 5);
        expect(again.map(({ batch, epoch }) => [batch.id, epoch])).toEqual([[batchId('a'), 2]]);
        expect(await catalog.shards.recordProgress(former, counts(0, 10))).toBe('lost');
      });

      test('of a batch that is canceling can be claimed, of one that ended it cannot', async () => {
        const batch = await create('a');
        await catalog.batches.cancel(home, batch.id, at(1));
        const lease = await claimOne('node-a', 2);
        await catalog.shards.end(lease, counts(0, 0, { canceled: 10 }), at(3));
        await catalog.shards.releaseAll('node-a');
        expect(await catalog.shards.claim('node-b', at(LEASE_US * 9), LEASE_MS, 5)).toEqual([]);
      });
    });

    describe('progress', () => {
      test('is kept', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        const progress = counts(3, 4, { errored: 1, canceled: 1, expired: 1 });
        expect(await catalog.shards.recordProgress(lease, progress)).toBe('written');
        expect(await (await later()).batches.find(home, batch.id)).toEqual({ ...batch, counts: progress });
      });

      test('never goes back, not by one counter', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        await catalog.shards.recordProgress(lease, counts(4, 5, { errored: 1 }));
        expect(await catalog.shards.recordProgress(lease, counts(6, 4))).toBe('written');
        expect(await catalog.shards.recordProgress(lease, counts(2, 8))).toBe('written');
        expect((await found(batch))?.counts).toEqual(counts(4, 5, { errored: 1 }));
      });

      test('that does not sum to the number of requests is a mistake', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        await expect(catalog.shards.recordProgress(lease, counts(4, 5))).rejects.toThrow(/must sum to 10/);
        await expect(catalog.shards.recordProgress(lease, counts(-1, 11))).rejects.toThrow(/must sum to 10/);
        expect(await found(batch)).toEqual(batch);
      });
    });

    describe('ending', () => {
      test('settles the record for good', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        await catalog.shards.recordProgress(lease, counts(5, 5));
        const final = counts(0, 8, { errored: 2 });
        expect(await catalog.shards.end(lease, final, at(77))).toBe('written');
        const ended = { ...batch, status: 'ended', endedAtUs: at(77), counts: final };
        expect(await found(batch)).toEqual(ended);
        expect(await catalog.shards.end(lease, counts(0, 10), at(99))).toBe('written');
        expect(await catalog.shards.recordProgress(lease, counts(0, 10))).toBe('written');
        expect(await catalog.shards.renew(lease, at(99), LEASE_MS)).toEqual(ended);
        expect(await (await later()).batches.find(home, batch.id)).toEqual(ended);
      });

      test('with requests still processing is a mistake', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        await expect(catalog.shards.end(lease, counts(1, 9), at(5))).rejects.toThrow();
        expect(await found(batch)).toEqual(batch);
      });

      test('of a batch that was deleted since is lost', async () => {
        const batch = await create('a');
        const lease = await claimOne();
        await catalog.shards.end(lease, counts(0, 10), at(5));
        await catalog.batches.delete(home, batch.id as BatchId, at(6));
        expect(await catalog.shards.end(lease, counts(0, 10), at(7))).toBe('lost');
        expect(await catalog.shards.renew(lease, at(7), LEASE_MS)).toBe(null);
        expect(await catalog.shards.recordProgress(lease, counts(0, 10))).toBe('lost');
        expect(await catalog.shards.release(lease)).toBe('lost');
      });
    });
  });
}
