import { VirtualClock } from '@batchwright/core';
import { microsecondsFromMs, RESULTS_RETENTION_MS, type BatchId } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { counts, newBatch, sources, START_US } from '../catalog/catalog.fixture.ts';
import { createMemoryCatalog } from '../catalog/memory/memory-catalog.ts';
import { silentLog } from '../observe/log.ts';
import { Activity } from '../runtime/activity.ts';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import { store, submission } from '../spool/spool.fixture.ts';
import type { Spool } from '../spool/spool.ts';
import { Archivist } from './archivist.ts';

async function setUp() {
  const clock = new VirtualClock(START_US / 1000);
  const catalog = createMemoryCatalog(sources());
  const { id: workspace } = await catalog.workspaces.default();
  const memory = createMemorySpool();
  const failing = new Set<BatchId>();
  const spool: Spool = {
    ...memory,
    async remove(id) {
      if (failing.has(id)) throw new Error('EACCES');
      await memory.remove(id);
    },
  };
  const activity = new Activity();
  const archivist = new Archivist(catalog, spool, clock, activity, silentLog);
  const addEnded = async (name: string): Promise<BatchId> => {
    const nowUs = microsecondsFromMs(clock.now());
    const batch = newBatch(workspace, name, 1);
    await catalog.batches.create(batch, nowUs, null);
    await store(spool, batch.id, submission(['{}']));
    for (const lease of await catalog.shards.claim('node', nowUs, 1000, 10)) {
      await catalog.shards.end(lease, counts(0, 1), nowUs);
    }
    return batch.id;
  };
  const advance = (ms: number): Promise<void> => clock.advance(ms, () => activity.quiet());
  const archivedAtUs = async (id: BatchId) => (await catalog.batches.find(workspace, id))?.archivedAtUs;
  return { clock, spool, archivist, failing, addEnded, advance, archivedAtUs };
}

describe('Archivist', () => {
  it('archives 29 days after creation and removes what was stored', async () => {
    const { spool, archivist, addEnded, advance, archivedAtUs } = await setUp();
    const id = await addEnded('one');
    await archivist.run();
    await advance(RESULTS_RETENTION_MS - 1);
    expect(await archivedAtUs(id)).toBeNull();
    await advance(2000);
    expect(await archivedAtUs(id)).not.toBeNull();
    expect(await spool.list()).toEqual([]);
    await archivist.stop();
  });

  it('leaves no files behind when removing them failed at first', async () => {
    const { spool, archivist, failing, addEnded, advance, archivedAtUs } = await setUp();
    const id = await addEnded('one');
    failing.add(id);
    await archivist.run();
    await advance(RESULTS_RETENTION_MS + 60_000);
    failing.clear();
    await advance(120_000);
    expect(await archivedAtUs(id)).not.toBeNull();
    expect(await spool.list()).toEqual([]);
    await archivist.stop();
  });

  it('archives the others while one cannot be removed', async () => {
    const { spool, archivist, failing, addEnded, advance, archivedAtUs } = await setUp();
    const [stuck, other] = [await addEnded('stuck'), await addEnded('other')];
    failing.add(stuck);
    await archivist.run();
    await advance(RESULTS_RETENTION_MS + 61_000);
    expect(await archivedAtUs(stuck)).toBeNull();
    expect(await archivedAtUs(other)).not.toBeNull();
    expect(await spool.list()).toEqual([stuck]);
    await archivist.stop();
  });

  it('sets no timer once it was stopped', async () => {
    const { clock, archivist, addEnded } = await setUp();
    await addEnded('one');
    await archivist.run();
    expect(clock.pendingCount).toBe(1);
    await archivist.stop();
    expect(clock.pendingCount).toBe(0);
  });
});
