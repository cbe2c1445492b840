import type { BatchRecord, LedgerTotals, Prediction } from '@batchwright/core';
import type { WorkspaceId } from '@batchwright/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { at, checkpoint, counts, DAY_US, newBatch, totals, workspaceId } from './catalog.fixture.ts';
import type { OpenCatalog } from './catalog.suite.ts';
import type { Catalog, DayUsage, Lease } from './catalog.ts';

const LEASE_MS = 10_000;
const PREDICTION: Prediction = { prefixes: 3, sharingRequests: 9, totals: totals('m', { inputTokens: 7 }) };

/** What every catalog does with ledgers, whatever it is made of. */
export function ledgerSuite(name: string, open: () => Promise<OpenCatalog>): void {
  describe(`${name}: ledgers`, () => {
    let opened: OpenCatalog;
    let catalog: Catalog;
    let home: WorkspaceId;
    beforeEach(async () => {
      opened = await open();
      catalog = opened.catalog;
      home = (await catalog.workspaces.default()).id;
    });
    afterEach(() => opened.close());

    const later = async () => (await opened.reopen?.()) ?? catalog;
    const start = async (label: string, workspace = home): Promise<{ batch: BatchRecord; lease: Lease }> => {
      const outcome = await catalog.batches.create(newBatch(workspace, label), at(0), null, PREDICTION);
      if (outcome.type !== 'created') throw new Error(outcome.type);
      const [lease] = await catalog.shards.claim('node', at(0), LEASE_MS, 1, outcome.batch.id);
      if (lease === undefined) throw new Error('nothing to claim');
      return { batch: outcome.batch, lease };
    };
    const usage = (from = '2026-11-01', to = '2026-11-30'): Promise<readonly DayUsage[]> =>
      catalog.workspaces.usage(home, from, to);
    const shown = (days: readonly DayUsage[]) => days.map(({ day, totals: sums }) => [day, Object.fromEntries(sums)]);
    const expected = (sums: LedgerTotals) => Object.fromEntries(sums);

    test('keep what was predicted at creation', async () => {
      const { batch } = await start('a');
      expect(await (await later()).batches.account(home, batch.id)).toEqual({ prediction: PREDICTION, ledger: null });
      await catalog.batches.create(newBatch(home, 'b'), at(1), null);
      const { id } = newBatch(home, 'b');
      expect(await catalog.batches.account(home, id)).toEqual({ prediction: null, ledger: null });
    });

    test('are missing for a foreign, unknown or deleted batch', async () => {
      const away = workspaceId('away');
      await catalog.workspaces.create({ id: away, name: 'away', createdAtUs: at(5) });
      const { batch, lease } = await start('a');
      expect(await catalog.batches.account(away, batch.id)).toBe(null);
      expect(await catalog.batches.account(home, newBatch(home, 'none').id)).toBe(null);
      await catalog.shards.end(lease, counts(0, 10), at(1));
      await catalog.batches.delete(home, batch.id, at(2));
      expect(await catalog.batches.account(home, batch.id)).toBe(null);
    });

    test('are kept with the progress, and with the end', async () => {
      const { batch, lease } = await start('a');
      expect(await catalog.shards.ledger(lease)).toBe(null);
      const first = checkpoint(4, { costNanoUsd: 40 });
      expect(await catalog.shards.recordProgress(lease, counts(6, 4), first)).toBe('written');
      expect(await (await later()).shards.ledger(lease)).toEqual(first);
      const last = checkpoint(10, { costNanoUsd: 100 }, 20);
      expect(await catalog.shards.end(lease, counts(0, 10), at(20), last)).toBe('written');
      expect((await (await later()).batches.account(home, batch.id))?.ledger).toEqual(last);
    });

    test('never go back, and are final once the batch has ended', async () => {
      const { lease } = await start('a');
      const kept = checkpoint(5, { costNanoUsd: 50 });
      await catalog.shards.recordProgress(lease, counts(5, 5), kept);
      await catalog.shards.recordProgress(lease, counts(4, 6), checkpoint(4, { costNanoUsd: 40 }));
      await catalog.shards.recordProgress(lease, counts(4, 6));
      expect(await catalog.shards.ledger(lease)).toEqual(kept);
      await catalog.shards.end(lease, counts(0, 10), at(1));
      await catalog.shards.recordProgress(lease, counts(0, 10), checkpoint(9, { costNanoUsd: 90 }));
      await catalog.shards.end(lease, counts(0, 10), at(2), checkpoint(10, { costNanoUsd: 100 }));
      expect(await catalog.shards.ledger(lease)).toEqual(kept);
      expect(shown(await usage())).toEqual([['2026-11-01', expected(kept.totals)]]);
    });

    test('move on though a late checkpoint of the counters does not', async () => {
      const { lease } = await start('a');
      await catalog.shards.recordProgress(lease, counts(5, 5), checkpoint(5, { requests: 5 }));
      const next = checkpoint(6, { requests: 6 });
      await catalog.shards.recordProgress(lease, counts(5, 5), next);
      expect(await catalog.shards.ledger(lease)).toEqual(next);
    });

    test('of a lost lease are not taken', async () => {
      const { lease } = await start('a');
      await catalog.shards.claim('other', at(DAY_US), LEASE_MS, 1);
      expect(await catalog.shards.recordProgress(lease, counts(5, 5), checkpoint(5, { requests: 5 }))).toBe('lost');
      expect(await catalog.shards.end(lease, counts(0, 10), at(1), checkpoint(10, { requests: 10 }))).toBe('lost');
      expect(await catalog.shards.ledger(lease)).toBe(null);
      expect(await usage()).toEqual([]);
    });

    test('with counts that are a mistake are not taken either', async () => {
      const { lease } = await start('a');
      const wrong = catalog.shards.recordProgress(lease, counts(1, 1), checkpoint(5, { requests: 5 }));
      await expect(wrong).rejects.toThrow(/must sum/);
      await expect(catalog.shards.end(lease, counts(1, 9), at(1), checkpoint(9, { requests: 9 }))).rejects.toThrow();
      expect(await catalog.shards.ledger(lease)).toBe(null);
      expect(await usage()).toEqual([]);
    });

    describe('the usage of a workspace', () => {
      test('is what its ledgers gained, on the day it was recorded', async () => {
        const [a, b] = [await start('a'), await start('b')];
        await catalog.shards.recordProgress(a.lease, counts(5, 5), checkpoint(5, { costNanoUsd: 50 }));
        await catalog.shards.recordProgress(b.lease, counts(9, 1), checkpoint(1, { costNanoUsd: 7 }));
        await catalog.shards.end(a.lease, counts(0, 10), at(DAY_US), checkpoint(10, { costNanoUsd: 110 }, DAY_US));
        const days = [
          ['2026-11-01', expected(totals('m', { costNanoUsd: 57 }))],
          ['2026-11-02', expected(totals('m', { costNanoUsd: 60 }))],
        ];
        expect(shown(await usage())).toEqual(days);
        expect(shown(await (await later()).workspaces.usage(home, '2026-11-02', '2026-11-02'))).toEqual([days[1]]);
        expect(await usage('2026-11-03', '2026-11-09')).toEqual([]);
        expect(await usage('2026-11-02', '2026-11-01')).toEqual([]);
      });

      test('tells models apart, whatever they are called', async () => {
        const { lease } = await start('a');
        const first = { ...checkpoint(1, {}), totals: new Map([...totals('m', { requests: 1 })]) };
        await catalog.shards.recordProgress(lease, counts(9, 1), first);
        const second = new Map([...first.totals, ...totals('__proto__', { requests: 2 })]);
        await catalog.shards.recordProgress(lease, counts(7, 3), { ...first, rows: 3, totals: second });
        expect((await usage())[0]?.totals).toEqual(second);
      });

      test('keeps the share of a batch that is archived, or deleted', async () => {
        const { batch, lease } = await start('a');
        const last = checkpoint(10, { costNanoUsd: 100 });
        await catalog.shards.end(lease, counts(0, 10), at(1), last);
        await catalog.batches.archive(batch.id, at(2));
        expect((await catalog.batches.account(home, batch.id))?.ledger).toEqual(last);
        await catalog.batches.delete(home, batch.id, at(3));
        await catalog.batches.forgetSegments(batch.id);
        expect(shown(await (await later()).workspaces.usage(home, '2026-11-01', '2026-11-01'))).toEqual([
          ['2026-11-01', expected(last.totals)],
        ]);
      });

      test('is its own', async () => {
        const away = workspaceId('away');
        await catalog.workspaces.create({ id: away, name: 'away', createdAtUs: at(5) });
        const { lease } = await start('a', away);
        await catalog.shards.recordProgress(lease, counts(5, 5), checkpoint(5, { requests: 5 }));
        expect(await usage()).toEqual([]);
        expect(await catalog.workspaces.usage(away, '2026-11-01', '2026-11-01')).toHaveLength(1);
      });

      test('has no day for a checkpoint that gained nothing', async () => {
        const { lease } = await start('a');
        await catalog.shards.recordProgress(lease, counts(5, 5), { ...checkpoint(5, {}), totals: new Map() });
        expect(await usage()).toEqual([]);
      });
    });
  });
}
