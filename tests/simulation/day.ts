import { mergeTotals } from '@batchwright/core';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Chance } from './chance.ts';
import { checkBatch, violations } from './checks.ts';
import { countsOf, drawDoom, fatesOf, History, NEVER, type Lived, type Rates } from './history.ts';
import { poll } from './poll.ts';
import type { Promised } from './promised.ts';
import { GOOD_DISK, HOUR_MS, START_MS, World } from './world.ts';

const DAY_HOURS = 24;
const DAY_MS = DAY_HOURS * HOUR_MS;
/** Results are archived 29 days after their batch was created; the archivist looks once a day. */
const RETENTION_MS = 31 * DAY_MS;
/** Between these hours no process leaves or dies, so that what one of them leaks adds up. */
const STEADY = { from: 6, to: 18 } as const;
/**
 * What the heap may have gained since hour 6, every batch that ended by then being deleted: the tombstones of a few
 * hundred batches and the day's usage in a catalog in memory, and code that was optimised meanwhile. Measured 4 to 6 MB.
 */
const GROWTH_BYTES = 12 * 1024 * 1024;
const COLLECTIONS = 4;
/** Some batches are large. */
const SIZES = [1, 3, 10, 30, 300, 2000];

/** A day of traffic with everything on; every sixth hour comes to rest, and the heap is looked at. */
export async function liveADay(seed: number): Promise<Lived> {
  const chance = new Chance(seed);
  let doom = () => drawLateDoom(chance);
  const world = new World(chance, { hasFiles: true, malice: 0, hasReplicas: chance.isLucky(0.5), doom: () => doom() });
  const history = new History(world, hourOf(chance, 0));
  history.clients.size = () => chance.between(1, chance.pick(SIZES));
  await world.begin();
  const heaps: number[] = [];
  const fates: Readonly<Record<string, number>>[] = [];
  for (let hour = 0; hour < DAY_HOURS; hour++) {
    doom = isSteady(hour) ? () => NEVER : () => drawLateDoom(chance);
    history.setRates(hourOf(chance, hour));
    world.upstream.calm = false;
    world.upstream.malice = chance.pick([0, 0, 0.1, 0.3, 1]);
    await liveUntil(world, history, START_MS + (hour + 1) * HOUR_MS);
    if (hour % 6 !== 5) continue;
    doom = () => NEVER;
    await history.quiet(!isSteady(hour));
    fates.push(fatesOf(world.promised));
    heaps.push(await restingHeap(world));
  }
  doom = () => NEVER;
  await history.end();
  const found = [...(await violations(world)), ...grown(heaps), ...(await unarchived(world))];
  const counts = { ...countsOf(world), ...summed(fates), heapGrowthBytes: Math.max(...gains(heaps)) };
  return { violations: found, counts, world };
}

const isSteady = (hour: number): boolean => hour >= STEADY.from && hour < STEADY.to;

function hourOf(chance: Chance, hour: number): Rates {
  const disk = chance.isLucky(0.5) ? GOOD_DISK : { ...GOOD_DISK, syncMs: 50, stalls: 0.01, failures: 0.005 };
  return {
    ...{ clockSteps: 0.005, storms: 0.01, disk, restarts: !isSteady(hour) },
    waitMs: () => chance.between(1000, 240_000),
  };
}

function drawLateDoom(chance: Chance) {
  const doom = drawDoom(chance);
  return doom.type === 'never' ? doom : { ...doom, count: doom.count * 20 };
}

async function liveUntil(world: World, history: History, endMs: number): Promise<void> {
  while (world.time.now() < endMs) {
    await history.step();
    await poll(world);
  }
}

/** What is still held once everything has ended, and was checked, deleted and forgotten. */
async function restingHeap(world: World): Promise<number> {
  for (const batch of world.promised) await retire(world, batch);
  // Nobody asks about them any more; the world's own memory must not count for the server's.
  world.promised = [];
  world.upstream.bill.clear();
  world.upstream.calls.clear();
  await world.process.engine.segmentRemover.runOnce();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What a collection frees may let go of more, such as the memory of scanners whose process died.
  for (let round = 0; round < COLLECTIONS; round++) {
    collect();
    await world.rest.turn();
  }
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Checks a batch for the last time, deletes it, and remembers only what it came to. */
async function retire(world: World, batch: Promised): Promise<void> {
  await checkBatch(world, batch, world.violations);
  // One whose deletion failed is still there, and one that was deleted is missed by nobody.
  const ledger = await world.ledger(batch);
  await world.process.catalog.batches.delete(batch.workspaceId, batch.id, world.nowUs);
  const totals = (ledger ?? batch.ledgerAtDeletion)?.totals ?? new Map();
  world.retired.set(batch.workspaceId, mergeTotals(world.retired.get(batch.workspaceId) ?? new Map(), totals));
}

function summed(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const counts of all) for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

const gains = (heaps: readonly number[]): readonly number[] => heaps.map((heap) => heap - (heaps[0] ?? heap));

function grown(heaps: readonly number[]): readonly string[] {
  const most = Math.max(...gains(heaps));
  return most <= GROWTH_BYTES ? [] : [`the heap grew by ${most} bytes since hour 6: ${heaps.join(', ')}`];
}

/** A month later nothing is left but what the catalog knows. */
async function unarchived(world: World): Promise<readonly string[]> {
  // The last process began with a clock that may have been set back since the batches were created.
  await world.advance(world.latestMs - world.process.clock.now() + RETENTION_MS);
  const stored = await world.storedSpool().list();
  return stored.map((id) => `${id} is there a month later`);
}
