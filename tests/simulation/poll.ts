import type { Promised } from './promised.ts';
import type { World } from './world.ts';

const SETTLED = ['succeeded', 'errored', 'canceled', 'expired'] as const;

/** What a polling client sees: counters that sum up and never go back, and an end that is final. */
export async function poll(world: World): Promise<void> {
  for (const batch of world.promised) await pollBatch(world, batch);
}

async function pollBatch(world: World, batch: Promised): Promise<void> {
  const record = await world.record(batch);
  if (record === null) {
    if (!batch.deleted) world.violated(`${batch.id} went missing`);
    return;
  }
  const live = world.process.engine.scheduler.counts(batch.id);
  const counts = live ?? record.counts;
  const sum = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired;
  if (sum !== batch.customIds.length) world.violated(`${batch.id} counts ${sum} of ${batch.customIds.length}`);
  if (batch.ended && record.status !== 'ended') world.violated(`${batch.id} was ended and is ${record.status}`);
  batch.ended = record.status === 'ended';
  // One whose files could not be opened runs nowhere yet: its counters are those of its last checkpoint.
  if (live === null && !batch.ended) return;
  const { seen } = batch;
  if (seen !== null && SETTLED.some((name) => counts[name] < seen[name]))
    world.violated(`${batch.id} went back from ${JSON.stringify(seen)} to ${JSON.stringify(counts)}`);
  batch.seen = counts;
}
