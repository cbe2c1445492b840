import { describe, expect, it } from 'vitest';
import { all, ids, World } from './bulk-run.fixture.ts';

describe('a run', () => {
  it('yields every request once, and ends settled', async () => {
    const world = new World({ requests: 10, batchRequests: 4 });
    const { results, end, run } = await world.collect();
    expect(ids(results)).toEqual(ids(await all(run.results('input'))));
    expect(results).toHaveLength(10);
    expect(end).toMatchObject({
      type: 'settled',
      report: { requests: 10, counts: { succeeded: 10 }, unsettled: 0, batches: 3 },
    });
    expect(world.server.submitted).toHaveLength(10);
    await run.close();
  });
});
