import { VirtualClock } from '@batchwright/core';
import type { BulkRequest } from '../plan/bulk-request.ts';
import { BatchRun } from './batch-run.ts';
import type { RunEnd } from './bulk-run.ts';
import { FakeServer } from './fake-server.fixture.ts';
import { fakePlanning, type FakePlanTerms } from './fake-planning.fixture.ts';
import { MortalStore } from './mortal-store.fixture.ts';
import type { RunOptions } from './run-options.ts';
import { settingsOf } from './run-settings.ts';
import type { SettledResult } from './settled-result.ts';

/** When it is in these tests. */
export const START_MS = Date.parse('2026-11-21T09:00:00Z');

export function requestsOf(count: number, names = 'r'): readonly BulkRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    custom_id: `${names}-${i}`,
    params: { model: 'claude-haiku-4-5', max_tokens: 10, messages: [{ role: 'user', content: `question ${i}` }] },
  }));
}

export interface WorldTerms extends Partial<FakePlanTerms> {
  readonly requests?: number;
}

/** A server, a store and a clock, for one run after the other. */
export class World {
  readonly clock = new VirtualClock(START_MS);
  readonly server = new FakeServer(this.clock);
  readonly requests: readonly BulkRequest[];
  store = new MortalStore();
  readonly #terms: FakePlanTerms;

  constructor({ requests = 10, batchRequests = 4, ...terms }: WorldTerms = {}) {
    this.requests = requestsOf(requests);
    this.#terms = { batchRequests, ...terms };
  }

  /** A run in a process of its own. */
  run(options: RunOptions = {}, isDead: () => boolean = () => false): BatchRun {
    return new BatchRun({
      requests: this.requests,
      settings: settingsOf({ clock: this.clock, ...options }),
      store: options.store ?? this.store,
      planning: fakePlanning(this.#terms),
      connect: async () => this.server.service(isDead),
      signal: options.signal ?? null,
      random: () => 0.5,
    });
  }

  /** Lets time pass until a promise is settled. */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isDone = false;
    const settled = promise.finally(() => {
      isDone = true;
    });
    // Whether it failed is told below.
    settled.catch(() => undefined);
    for (let idle = 0; !isDone;) {
      await rest();
      if (isDone) break;
      const nextAtMs = this.clock.nextAt();
      idle = nextAtMs === null ? idle + 1 : 0;
      if (idle > 500) throw new Error('nothing moves any more');
      if (nextAtMs !== null) await this.clock.advance(nextAtMs - this.clock.now());
    }
    return promise;
  }

  /** Runs to the end, and answers every result as it was yielded. */
  async collect(
    options: RunOptions = {},
  ): Promise<{ readonly results: SettledResult[]; readonly end: RunEnd; readonly run: BatchRun }> {
    const run = this.run(options);
    const results: SettledResult[] = [];
    const read = async (): Promise<RunEnd> => {
      for await (const result of run) results.push(result);
      return run.settle();
    };
    return { results, end: await this.until(read()), run };
  }

  async settle(options: RunOptions = {}): Promise<{ readonly end: RunEnd; readonly run: BatchRun }> {
    const run = this.run(options);
    return { end: await this.until(run.settle()), run };
  }

  types(): readonly string[] {
    return this.store.entries.map(({ type }) => type);
  }
}

/** Lets everything run that needs no time. */
export async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

export async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const found: Value[] = [];
  for await (const value of values) found.push(value);
  return found;
}

export const ids = (results: readonly SettledResult[]): string[] => results.map(({ customId }) => customId).sort();
