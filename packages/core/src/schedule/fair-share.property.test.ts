import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FairShare } from './fair-share.ts';

/** For each workspace, how many batches it has ready. */
const crowd = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5, size: 'max' });

const workspaceOf = (batchId: BatchId): number => Number(batchId.split('.')[0]);

function crowded(sizes: readonly number[]): { share: FairShare; batches: BatchId[] } {
  const share = new FairShare();
  const batches: BatchId[] = [];
  sizes.forEach((size, workspace) => {
    for (let i = 0; i < size; i++) {
      const batchId = `${workspace}.${i}` as BatchId;
      share.add(String(workspace) as WorkspaceId, batchId);
      share.setReady(batchId, true);
      batches.push(batchId);
    }
  });
  return { share, batches };
}

const take = (share: FairShare, count: number): BatchId[] =>
  Array.from({ length: count }, () => share.next()).filter((batchId) => batchId !== null);

it('F4 every ready batch has a turn in any window of workspaces × batches of the largest', () => {
  fc.assert(
    fc.property(crowd, fc.nat(40), (sizes, before) => {
      const { share, batches } = crowded(sizes);
      take(share, before);
      const window = new Set(take(share, sizes.length * Math.max(...sizes)));
      expect([...window].toSorted()).toEqual(batches.toSorted());
    }),
  );
});

it('F5 each ready workspace has the same share, however many batches it has', () => {
  fc.assert(
    fc.property(crowd, fc.nat(40), fc.integer({ min: 1, max: 20 }), (sizes, before, rounds) => {
      const { share } = crowded(sizes);
      take(share, before);
      const turns = sizes.map(() => 0);
      for (const batchId of take(share, sizes.length * rounds)) turns[workspaceOf(batchId)]! += 1;
      expect(turns).toEqual(sizes.map(() => rounds));
    }),
  );
});

const flicker = fc.array(fc.tuple(fc.nat(24), fc.boolean()), { maxLength: 60, size: 'max' });

it('F4 a batch that stays ready is not starved by others that come and go', () => {
  fc.assert(
    fc.property(crowd, flicker, (sizes, changes) => {
      const { share, batches } = crowded(sizes);
      const steady = batches[0] as BatchId;
      let sinceTurn = 0;
      for (const [index, isReady] of changes) {
        const batchId = batches[index % batches.length] as BatchId;
        if (batchId !== steady) share.setReady(batchId, isReady);
        sinceTurn = share.next() === steady ? 0 : sinceTurn + 1;
        expect(sinceTurn).toBeLessThan(sizes.length * Math.max(...sizes));
      }
    }),
  );
});

it('F6 agrees with plain lists, whatever is added, removed and said', () => {
  const operation = fc.tuple(fc.constantFrom('add', 'remove', 'ready', 'unready', 'next'), fc.nat(2), fc.nat(3));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), (operations) => {
      const [share, model] = [new FairShare(), new PlainShare()];
      for (const [type, workspace, i] of operations) {
        const batchId = `${workspace}.${i}` as BatchId;
        for (const side of [share, model]) {
          if (type === 'add') side.add(String(workspace) as WorkspaceId, batchId);
          else if (type === 'remove') side.remove(batchId);
          else if (type !== 'next') side.setReady(batchId, type === 'ready');
        }
        if (type === 'next') expect(share.next()).toBe(model.next());
      }
    }),
  );
});

/** The same rules with arrays: slow, and plain enough to be believed. */
class PlainShare {
  readonly #known = new Set<BatchId>();
  readonly #circle: { readonly workspace: number; readonly batches: BatchId[] }[] = [];

  add(_: WorkspaceId, batchId: BatchId): void {
    this.#known.add(batchId);
  }

  remove(batchId: BatchId): void {
    this.setReady(batchId, false);
    this.#known.delete(batchId);
  }

  setReady(batchId: BatchId, isReady: boolean): void {
    if (!this.#known.has(batchId)) return;
    const workspace = workspaceOf(batchId);
    const at = this.#circle.findIndex((entry) => entry.workspace === workspace);
    const batches = this.#circle[at]?.batches ?? [];
    if (isReady) {
      if (at === -1) this.#circle.push({ workspace, batches });
      if (!batches.includes(batchId)) batches.push(batchId);
      return;
    }
    if (batches.includes(batchId)) batches.splice(batches.indexOf(batchId), 1);
    if (at !== -1 && batches.length === 0) this.#circle.splice(at, 1);
  }

  next(): BatchId | null {
    const entry = this.#circle.shift();
    if (entry === undefined) return null;
    this.#circle.push(entry);
    const batchId = entry.batches.shift() as BatchId;
    entry.batches.push(batchId);
    return batchId;
  }
}
