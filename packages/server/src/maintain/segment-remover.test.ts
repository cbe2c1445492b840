import type { BatchId } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { at, counts, newBatch, sources } from '../catalog/catalog.fixture.ts';
import { createMemoryCatalog } from '../catalog/memory/memory-catalog.ts';
import { silentLog } from '../observe/log.ts';
import { Activity } from '../runtime/activity.ts';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import { store, submission } from '../spool/spool.fixture.ts';
import type { Spool } from '../spool/spool.ts';
import { SegmentRemover } from './segment-remover.ts';

/** A spool whose removals a test can watch, hold up and fail. */
async function setUp() {
  const catalog = createMemoryCatalog(sources());
  const { id: workspace } = await catalog.workspaces.default();
  const memory = createMemorySpool();
  const failing = new Set<BatchId>();
  let beforeRemoval = async (_id: BatchId): Promise<void> => {};
  const spool: Spool = {
    ...memory,
    async remove(id) {
      await beforeRemoval(id);
      if (failing.has(id)) throw new Error('EACCES');
      await memory.remove(id);
    },
  };
  const activity = new Activity();
  const remover = new SegmentRemover(catalog, spool, activity, silentLog);
  const start = async (): Promise<void> => {
    await remover.run();
    await activity.quiet();
  };
  const add = async (name: string): Promise<BatchId> => {
    const batch = newBatch(workspace, name, 1);
    await catalog.batches.create(batch, at(0), null);
    await store(spool, batch.id, submission(['{}']));
    for (const lease of await catalog.shards.claim('node', at(0), 1000, 10)) {
      await catalog.shards.end(lease, counts(0, 1), at(1));
    }
    return batch.id;
  };
  const remove = (id: BatchId) => catalog.batches.delete(workspace, id, at(2));
  const onRemoval = (action: (id: BatchId) => Promise<void>): void => {
    beforeRemoval = action;
  };
  return { catalog, spool, remover, start, failing, add, remove, onRemoval };
}

describe('SegmentRemover', () => {
  it('removes what was deleted and nothing else', async () => {
    const { spool, remover, add, remove } = await setUp();
    const [gone, kept] = [await add('gone'), await add('kept')];
    await remove(gone);
    await remover.runOnce();
    expect(await spool.list()).toEqual([kept]);
  });

  it('removes at start what never became a batch', async () => {
    const { spool, start, add } = await setUp();
    const kept = await add('kept');
    await store(spool, newBatch('' as never, 'orphan').id, submission(['{}']));
    await start();
    expect(await spool.list()).toEqual([kept]);
  });

  it('does not miss a batch that is deleted while it removes another', async () => {
    const { spool, remover, add, remove, onRemoval } = await setUp();
    const [first, second] = [await add('first'), await add('second')];
    const joined: Promise<void>[] = [];
    onRemoval(async (id) => {
      if (id !== first) return;
      await remove(second);
      joined.push(remover.runOnce());
    });
    await remove(first);
    await remover.runOnce();
    await Promise.all(joined);
    expect(await spool.list()).toEqual([]);
  });

  it('does not reject when the spool fails, and goes on with the others', async () => {
    const { catalog, spool, remover, failing, add, remove } = await setUp();
    const [stuck, gone] = [await add('stuck'), await add('gone')];
    failing.add(stuck);
    await remove(stuck);
    await remove(gone);
    await remover.runOnce();
    expect(await spool.list()).toEqual([stuck]);
    expect(await catalog.batches.deletedBatches(10)).toEqual([stuck]);
    failing.clear();
    await remover.runOnce();
    expect(await spool.list()).toEqual([]);
  });

  it('lets a server start beside segments that it cannot remove', async () => {
    const { spool, start, failing } = await setUp();
    const orphan = newBatch('' as never, 'orphan').id;
    await store(spool, orphan, submission(['{}']));
    failing.add(orphan);
    await start();
    expect(await spool.list()).toEqual([orphan]);
  });

  it('leaves alone what is uploaded while it looks through what there was at start', async () => {
    const { spool, remover, start, onRemoval } = await setUp();
    const uploading = newBatch('' as never, 'uploading').id;
    await store(spool, newBatch('' as never, 'orphan').id, submission(['{}']));
    onRemoval(() => store(spool, uploading, submission(['{}'])));
    await start();
    await remover.stop();
    expect(await spool.list()).toEqual([uploading]);
  });

  it('keeps a start waiting for no batch that is stored', async () => {
    const { catalog, remover, add } = await setUp();
    await add('kept');
    let looks = 0;
    const { exists } = catalog.batches;
    catalog.batches.exists = (id) => {
      looks++;
      return exists(id);
    };
    await remover.run();
    expect(looks).toBeLessThanOrEqual(1);
  });
});
