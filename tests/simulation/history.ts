import { Chance } from './chance.ts';
import { violations } from './checks.ts';
import { Clients } from './clients.ts';
import type { Doom } from './mortal.ts';
import { poll } from './poll.ts';
import type { Promised } from './promised.ts';
import { GOOD_DISK, HOUR_MS, World, type DiskMood, type WorldTraits } from './world.ts';

/** Days of quiet that every history ends with; far more than the last batch needs. */
const LAST_HOURS = 100;
const LAST_MS = 1000;

/** What a history came to. */
export interface Lived {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly world: World;
}

/** Lives through `steps` drawn events, then lets the faults stop, and waits for everything to end. */
export async function liveThrough(seed: number, steps: number): Promise<Lived> {
  const chance = new Chance(seed);
  let isCalm = false;
  const world = new World(chance, { ...drawTraits(chance), doom: () => (isCalm ? NEVER : drawDoom(chance)) });
  if (chance.isLucky(0.02)) world.upstream.hugeAnswers = 1;
  const history = new History(world, drawRates(chance));
  await world.begin();
  for (let step = 0; step < steps; step++) {
    await history.step();
    await poll(world);
  }
  isCalm = true;
  await history.end();
  return { violations: await violations(world), counts: countsOf(world), world };
}

/** Steps of a history, of which hundreds make a minute. */
export const STEPS = 40;

export const NEVER: Doom = { type: 'never' };

function drawTraits(chance: Chance): Omit<WorldTraits, 'doom'> {
  return {
    hasFiles: chance.isLucky(0.6),
    malice: chance.pick([0, 0.2, 0.6, 1]),
    hasReplicas: chance.isLucky(0.3),
  };
}

export function drawDoom(chance: Chance): Doom {
  if (chance.isLucky(0.1)) return NEVER;
  // Some lives are short, and some get to where much goes on.
  const count = chance.between(1, chance.pick([30, 150, 600]));
  return { type: 'effect', side: chance.pick(['before', 'after']), count };
}

/** How often what happens that need not happen at all. */
export interface Rates {
  readonly clockSteps: number;
  readonly storms: number;
  readonly disk: DiskMood;
  /** Whether the server is told to leave, now and then. */
  readonly restarts: boolean;
  /** How long nothing happens, where time is what happens next. */
  readonly waitMs: (chance: Chance) => number;
}

function drawRates(chance: Chance): Rates {
  const syncMs = chance.pick([0, 0, 50]);
  const disk = { isFull: false, syncMs, stalls: chance.pick([0, 0, 0.02]), failures: chance.pick([0, 0, 0.02]) };
  return { clockSteps: chance.pick([0, 0, 0.05]), storms: chance.pick([0, 0.03]), disk, restarts: true, waitMs };
}

function waitMs(chance: Chance): number {
  if (chance.isLucky(0.06)) return chance.between(1, 30) * HOUR_MS;
  return chance.between(1, chance.pick([100, 10_000, 60_000]));
}

/** What happens, in an order that is drawn. */
export class History {
  readonly clients: Clients;
  readonly #world: World;
  #rates: Rates;

  constructor(world: World, rates: Rates) {
    this.clients = new Clients(world);
    this.#world = world;
    this.#rates = rates;
  }

  setRates(rates: Rates): void {
    this.#rates = rates;
  }

  async step(): Promise<void> {
    const { chance, upstream, time } = this.#world;
    this.#world.setDisk({ ...this.#rates.disk, isFull: chance.isLucky(0.1) });
    if (chance.isLucky(this.#rates.clockSteps)) this.#world.stepClock(drawStepMs(chance));
    if (chance.isLucky(this.#rates.storms)) upstream.stormUntilMs = time.now() + chance.between(1, 90) * 60_000;
    await this.#act();
    if (!this.#world.process.life.isAlive) await this.#start();
  }

  /** Ends all faults, and with time everything that was begun. */
  async end(): Promise<void> {
    await this.quiet(this.#world.chance.isLucky(0.5));
    await this.#world.restart();
    // What that start found expired is settled by a commit, which waits some milliseconds for company.
    await this.#world.advance(LAST_MS);
  }

  /** Lets nothing fail until every batch has ended, if need be after a restart. */
  async quiet(isRestarted: boolean): Promise<void> {
    const { upstream, promised, pending } = this.#world;
    this.#world.setDisk(GOOD_DISK);
    upstream.calm = true;
    await this.#world.advance(1);
    if (!this.#world.process.life.isAlive) await this.#start();
    else if (isRestarted) await this.#world.restart();
    await this.#world.until(Promise.all(pending));
    await this.#world.call(() => this.clients.liftBudgets(), false);
    const isOpen = (): boolean => promised.some((batch) => !batch.ended && !batch.deleted);
    for (let hour = 0; hour < LAST_HOURS && isOpen(); hour++) {
      await this.#world.advance(HOUR_MS);
      await poll(this.#world);
    }
  }

  async #act(): Promise<void> {
    const { chance } = this.#world;
    const draw = chance.next();
    const isLeft = chance.isLucky(0.4);
    const { clients } = this;
    if (draw < 0.22) await this.#world.call(() => clients.create(), isLeft);
    else if (draw < 0.23) await this.#world.call(() => clients.createBadly(), isLeft);
    else if (draw < 0.24) await this.#world.call(() => clients.createOverLimit(), isLeft);
    else if (draw < 0.32) await this.#world.call(() => clients.cancel(), isLeft);
    else if (draw < 0.35) await this.#world.call(() => clients.delete(), isLeft);
    else if (draw < 0.39) await this.#world.call(() => clients.rerun(), isLeft);
    else if (draw < 0.42) await this.#world.call(() => clients.budget(), isLeft);
    else if (draw < 0.48) await this.#world.call(() => clients.look(), isLeft);
    else if (draw < 0.52 && this.#rates.restarts) await this.#restart();
    else await this.#world.advance(this.#rates.waitMs(chance));
  }

  /** Nobody can start a server whose disk is full or failing. */
  async #start(): Promise<void> {
    this.#world.setDisk({ ...this.#world.mood, isFull: false, failures: 0 });
    await this.#world.start();
  }

  async #restart(): Promise<void> {
    this.#world.setDisk({ ...this.#world.mood, isFull: false, failures: 0 });
    await this.#world.restart();
  }
}

function drawStepMs(chance: Chance): number {
  const ms = chance.between(1, chance.pick([1000, 60_000, HOUR_MS, 26 * HOUR_MS]));
  return chance.isLucky(0.5) ? ms : -ms;
}

/** What happened in a world: one in which nothing does passes every check. */
export function countsOf(world: World): Readonly<Record<string, number>> {
  const { upstream } = world;
  return { ...world.counts, ...fatesOf(world.promised), calls: upstream.callCount, leaders: upstream.streams };
}

/** What became of batches. */
export function fatesOf(promised: readonly Promised[]): Readonly<Record<string, number>> {
  const sum = (count: (batch: Promised) => number) => promised.reduce((all, batch) => all + count(batch), 0);
  return {
    batches: promised.length,
    requests: sum((batch) => batch.customIds.length),
    canceled: sum((batch) => batch.seen?.canceled ?? 0),
    expired: sum((batch) => batch.seen?.expired ?? 0),
    errored: sum((batch) => batch.seen?.errored ?? 0),
    succeeded: sum((batch) => batch.seen?.succeeded ?? 0),
    deleted: sum((batch) => (batch.deleted ? 1 : 0)),
  };
}
