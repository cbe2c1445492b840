import type { Clock } from '@batchwright/core';
import type { Catalog } from '../../packages/server/src/catalog/catalog.ts';
import type { CancelCall, Upstream } from '../../packages/server/src/dispatch/upstream/upstream.ts';
import { SpoolFullError, type ResultLog, type Spool } from '../../packages/server/src/spool/spool.ts';
import type { Chance } from './chance.ts';

/**
 * The life of one process in a simulation. It dies before or after the effect that was drawn: every call to a store is
 * an effect, so that a death can fall between any two. The dead see no event, fire no timer, and their promises never
 * settle, as if the power had gone; what their effects changed stays.
 */
export class Life {
  isAlive = true;
  #effectsLeft: number;
  readonly #afterEffect: boolean;
  readonly #onDeath: () => void;

  constructor(effectsLeft: number, afterEffect: boolean, onDeath: () => void) {
    this.#effectsLeft = effectsLeft;
    this.#afterEffect = afterEffect;
    this.#onDeath = onDeath;
  }

  die(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#onDeath();
  }

  /** Leaves for good, but as planned: no connection is cut that was not closed. */
  end(): void {
    this.isAlive = false;
  }

  /** Runs one effect, unless death comes first. */
  async effect<T>(run: () => Promise<T>): Promise<T> {
    if (!this.isAlive) return never();
    const isLast = --this.#effectsLeft === 0;
    if (isLast && !this.#afterEffect) this.die();
    if (!this.isAlive) return never();
    const result = await run();
    if (isLast) this.die();
    return this.isAlive ? result : never();
  }
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    after: (delayMs, action) => clock.after(delayMs, () => (life.isAlive ? action() : undefined)),
  };
}

export function mortalUpstream(upstream: Upstream, life: Life): Upstream {
  return {
    name: upstream.name,
    isSimulated: upstream.isSimulated,
    call(request, events): CancelCall {
      if (!life.isAlive) return () => undefined;
      return upstream.call(request, {
        onHead: (status, headers) => (life.isAlive ? events.onHead(status, headers) : undefined),
        onData: (chunk) => (life.isAlive ? events.onData(chunk) : undefined),
        onEnd: () => (life.isAlive ? events.onEnd() : undefined),
        onFailure: (reason, timeout) => (life.isAlive ? events.onFailure(reason, timeout) : undefined),
      });
    },
    close: () => upstream.close(),
  };
}

export function mortalCatalog(catalog: Catalog, life: Life): Catalog {
  return {
    organizationId: catalog.organizationId,
    workspaces: catalog.workspaces,
    batches: mortalMethods(catalog.batches, life),
    shards: mortalMethods(catalog.shards, life),
    ping: () => catalog.ping(),
    close: () => Promise.resolve(),
  };
}

/** A catalog whose process dies once a batch is stored, before anybody is told. */
export function dyingAtCreate(catalog: Catalog, life: Life): Catalog {
  const create: Catalog['batches']['create'] = async (...args) => {
    await catalog.batches.create(...args);
    life.die();
    return never();
  };
  return { ...catalog, batches: { ...catalog.batches, create } };
}

/** Disks fill up at times: a commit may be refused, and is then tried again. */
export function mortalSpool(spool: Spool, life: Life, isDiskFull: () => boolean): Spool {
  const methods = mortalMethods(spool, life);
  return {
    ...methods,
    openResultLog: async (batchId, shard, epoch) =>
      mortalLog(await methods.openResultLog(batchId, shard, epoch), life, isDiskFull),
    close: () => Promise.resolve(),
  };
}

function mortalLog(log: ResultLog, life: Life, isDiskFull: () => boolean): ResultLog {
  return {
    settled: log.settled,
    lastSyncSeconds: 0,
    commit: (chunk) =>
      life.effect(() => (isDiskFull() ? Promise.reject(new SpoolFullError('no space')) : log.commit(chunk))),
    close: () => life.effect(() => log.close()),
  };
}

function mortalMethods<Store extends object>(store: Store, life: Life): Store {
  const methods: Record<string, unknown> = {};
  for (const [name, method] of methodsOf(store)) {
    methods[name] = (...args: unknown[]) => life.effect(() => method.apply(store, args));
  }
  return methods as Store;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** Own methods of an object, or those of its class. */
function methodsOf(store: object): readonly [string, Method][] {
  const names = new Set([...Object.keys(store), ...Object.getOwnPropertyNames(Object.getPrototypeOf(store))]);
  names.delete('constructor');
  return [...names]
    .map((name) => [name, (store as Record<string, unknown>)[name]] as const)
    .filter((entry): entry is [string, Method] => typeof entry[1] === 'function')
    .filter(([name]) => !(name in Object.prototype));
}

/** Draws how many effects a process lives for, and on which side of the last one it dies. */
export function drawLife(chance: Chance, isMortal: boolean, onDeath: () => void): Life {
  const effects = isMortal ? chance.between(1, 150) : Number.POSITIVE_INFINITY;
  return new Life(effects, chance.isLucky(0.5), onDeath);
}
