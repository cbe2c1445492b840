import type { Clock, Timer } from '@batchwright/core';
import type { Catalog } from '../../packages/server/src/catalog/catalog.ts';
import type { CancelCall, Upstream } from '../../packages/server/src/dispatch/upstream/upstream.ts';
import type { ResultLog, ResultReader, Spool } from '../../packages/server/src/spool/spool.ts';
import { isEffect, TORN_WRITE, type CrashPoint, type Effect, type StoreName, type Stores } from './crash-points.ts';

/** When a process dies: at the so-manieth effect, or when it comes to a point for the so-manieth time. Or never. */
export type Doom =
  | { readonly type: 'never' }
  | { readonly type: 'effect'; readonly side: 'before' | 'after'; readonly count: number }
  | { readonly type: 'point'; readonly point: CrashPoint; readonly count: number };

export interface LifeOptions {
  readonly doom: Doom;
  /** Something goes on, or has just come to its end: the world is not at rest. */
  readonly stir: () => void;
  /** How long the disk takes for an effect, in virtual time. */
  readonly delayMs: (effect: Effect) => number;
  readonly clock: Clock;
  readonly onDeath: () => void;
}

/**
 * The life of one process in a simulation. Every call to a store is an effect, and death can fall between any two. The
 * dead see no event, fire no timer, and their promises never settle, as if the plug had been pulled; what their effects
 * changed stays.
 */
export class Life {
  isAlive = true;
  /** Resolves when the process is no more, dead or gone as planned: whoever still waits for an answer gets none. */
  readonly gone: Promise<'gone'>;
  /** Where it died. */
  diedAt: CrashPoint | null = null;
  /** Timers set and neither fired nor called off. */
  readonly timers = new Set<Timer>();
  readonly #options: LifeOptions;
  #left: number;
  #tellGone: () => void = () => undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#left = options.doom.type === 'never' ? Number.POSITIVE_INFINITY : options.doom.count;
    this.gone = new Promise((resolve) => {
      this.#tellGone = () => resolve('gone');
    });
  }

  die(): void {
    if (!this.isAlive) return;
    this.leave();
    this.#options.onDeath();
  }

  /** Leaves for good, but as planned: no connection is cut that was not closed. */
  leave(): void {
    this.isAlive = false;
    this.#options.stir();
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.#tellGone();
  }

  /** Runs one effect, unless death comes first; `torn` does a part of it. */
  async effect<T>(effect: Effect, run: () => Promise<T>, torn?: () => Promise<unknown>): Promise<T> {
    if (!this.isAlive) return never();
    this.#options.stir();
    await this.#wait(this.#options.delayMs(effect));
    if (this.#meets(`before ${effect}`)) this.die();
    else if (torn !== undefined && this.#meets(TORN_WRITE)) await torn().finally(() => this.die());
    if (!this.isAlive) return never();
    try {
      const result = await run();
      if (this.#meets(`after ${effect}`)) this.die();
      return this.isAlive ? result : await never();
    } finally {
      this.#options.stir();
    }
  }

  #meets(point: CrashPoint): boolean {
    const { doom } = this.#options;
    if (doom.type === 'never' || (doom.type === 'point' && doom.point !== point)) return false;
    // Inside a write there is but one side.
    if (doom.type === 'effect' && !point.startsWith(doom.side)) return false;
    if (--this.#left !== 0) return false;
    this.diedAt = point;
    return true;
  }

  #wait(ms: number): Promise<void> | void {
    if (ms <= 0) return;
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, () => {
        this.timers.delete(timer);
        this.#options.stir();
        resolve();
      });
      this.timers.add(timer);
    });
  }
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

/** A clock whose timers die with the process. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    after(delayMs, action) {
      if (!life.isAlive) return { cancel: () => undefined };
      const timer = clock.after(delayMs, () => {
        life.timers.delete(own);
        action();
      });
      const own: Timer = {
        cancel() {
          life.timers.delete(own);
          timer.cancel();
        },
      };

      life.timers.add(own);
      return own;
    },
  };
}

/** Calls of the dead are answered to nobody. */
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

/** The catalog itself outlives its processes, so that closing it closes nothing. */
export function mortalCatalog(catalog: Catalog, life: Life): Catalog {
  const { workspaces, batches, shards } = catalog;
  return mortal('catalog', catalog, life, {
    workspaces: mortal('workspaces', workspaces, life),
    batches: mortal('batches', batches, life),
    shards: mortal('shards', shards, life),
    close: () => Promise.resolve(),
  });
}

/** A spool with all that it hands out. `refuse` may reject a commit of results, as a disk does that is full. */
export function mortalSpool(spool: Spool, life: Life, refuse: () => void): Spool {
  const reader = (open: ResultReader | null) => (open === null ? null : mortal('reader', open, life));
  const results = (log: ResultLog) => {
    const commit: ResultLog['commit'] = async (chunk) => {
      refuse();
      return log.commit(chunk);
    };
    return mortal('results', log, life, { commit });
  };
  return mortal('spool', spool, life, {
    createRequestLog: async (id) => mortal('writer', await spool.createRequestLog(id), life),
    openRequestLog: async (id) => mortal('requests', await spool.openRequestLog(id), life),
    openResultLog: async (...args) => results(await spool.openResultLog(...args)),
    readResults: async (...args) => reader(await spool.readResults(...args)),
    readDurableResults: async (id) => reader(await spool.readDurableResults(id)),
  });
}

/** The store with every method that is an effect made one; all else passes through. */
export function mortal<Name extends StoreName>(
  name: Name,
  store: Stores[Name],
  life: Life,
  instead: Partial<Stores[Name]> = {},
): Stores[Name] {
  return new Proxy<Stores[Name]>(store, {
    get(target, key) {
      const value: unknown = Reflect.get(instead, key) ?? Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      const effect = `${name}.${key}`;
      if (!isEffect(effect)) return value.bind(target) as unknown;
      return (...args: unknown[]) => life.effect(effect, () => Reflect.apply(value, target, args) as Promise<unknown>);
    },
  });
}
