import { Chance } from './chance.ts';
import { violations } from './checks.ts';
import type { CrashPoint } from './crash-points.ts';
import { History, type Rates } from './history.ts';
import type { Doom } from './mortal.ts';
import { poll } from './poll.ts';
import { GOOD_DISK, HOUR_MS, World } from './world.ts';

const RETENTION_MS = 30 * 24 * HOUR_MS;
/** Requests that take longer than the grace of ten seconds, six at a time and a second and a half each. */
const MORE_THAN_A_STOP_WAITS_FOR = 60;
const RATES: Rates = { clockSteps: 0, storms: 0, disk: GOOD_DISK, restarts: true, waitMs: () => 1000 };

export interface Toured {
  /** Where a process died, or null when none came to the point. */
  readonly diedAt: CrashPoint | null;
  readonly violations: readonly string[];
}

/**
 * Everything that a server does, once, in the shortest history that has it all: batches that are created, refused, watched,
 * canceled, run again, deleted and archived, a stop and a start. Whichever process first comes to `point` dies there; those after it live.
 */
export async function tour(point: CrashPoint): Promise<Toured> {
  const doom = (): Doom => (world.deaths.length === 0 ? { type: 'point', point, count: 1 } : { type: 'never' });
  const world: World = new World(new Chance(7), { hasFiles: true, malice: 0, hasReplicas: false, doom });
  const history = new History(world, RATES);
  await world.begin();
  for (const stop of stopsOf(world, history)) {
    await stop();
    if (!world.process.life.isAlive) await world.start();
    await poll(world);
  }
  await history.end();
  return { diedAt: world.deaths[0] ?? null, violations: await violations(world) };
}

function stopsOf(world: World, { clients }: History): readonly (() => Promise<void>)[] {
  const large = (): Promise<void> => {
    clients.size = () => MORE_THAN_A_STOP_WAITS_FOR;
    return Promise.resolve();
  };
  const call = (run: () => Promise<void>) => () => world.call(run, false);
  const create = call(() => clients.create());
  const wait = () => world.advance(20_000);
  clients.size = () => 3;
  return [
    ...[create, call(() => clients.look()), wait, call(() => clients.look())],
    ...[create, call(() => clients.cancel()), wait, call(() => clients.rerun()), wait],
    ...[create, call(() => clients.budget()), call(() => clients.createOverLimit())],
    ...[large, create, () => world.restart(), wait, wait, call(() => clients.delete())],
    // A month passes in a moment, and the archivist looks at the clock soon after.
    () => Promise.resolve(world.stepClock(RETENTION_MS)),
    ...[wait, wait],
  ];
}
