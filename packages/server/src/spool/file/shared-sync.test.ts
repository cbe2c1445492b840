import { describe, expect, test } from 'vitest';
import { SharedSync } from './shared-sync.ts';

/** Syncs that end when and how the test says. */
function setUp() {
  const syncs: { readonly end: (error?: Error) => void }[] = [];
  const shared = new SharedSync(
    () =>
      new Promise((resolve, reject) => {
        syncs.push({ end: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { syncs, shared, turn };
}

describe('a shared sync', () => {
  test('begins at once when none is under way', () => {
    const { syncs, shared } = setUp();
    void shared.run();
    expect(syncs).toHaveLength(1);
  });

  test('is one for all who came while another was under way, and begins after it', async () => {
    const { syncs, shared, turn } = setUp();
    const ended: string[] = [];
    const run = (name: string): Promise<unknown> => shared.run().then(() => ended.push(name));
    const runs = [run('first'), run('second'), run('third')];
    await turn();
    expect(syncs).toHaveLength(1);
    syncs[0]?.end();
    await turn();
    expect([syncs.length, ended]).toEqual([2, ['first']]);
    runs.push(run('fourth'));
    syncs[1]?.end();
    await turn();
    expect([syncs.length, ended]).toEqual([3, ['first', 'second', 'third']]);
    syncs[2]?.end();
    await Promise.all(runs);
    void run('fifth');
    expect(syncs).toHaveLength(4);
  });

  test('that fails fails those it was for, and no one else', async () => {
    const { syncs, shared, turn } = setUp();
    const runs = [shared.run(), shared.run()];
    const outcomes = Promise.allSettled(runs);
    syncs[0]?.end(new Error('EIO'));
    await turn();
    syncs[1]?.end();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});
