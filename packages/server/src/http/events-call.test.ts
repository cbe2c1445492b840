import { VirtualClock, type BatchRecord } from '@batchwright/core';
import { microsecondsFromMs, type BatchId } from '@batchwright/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createMemoryCatalog } from '../catalog/memory/memory-catalog.ts';
import { BatchChanges } from '../schedule/batch-changes.ts';
import type { RunningBatch } from '../schedule/running-batch.ts';
import type { Call, Caller, Room } from './call.ts';
import { streamEvents } from './events-call.ts';
import { DEFAULT_HTTP_SETTINGS, type HttpServices } from './services.ts';
import { Watches } from './watches.ts';

/** A connection whose client takes nothing until it is told to. */
class StalledResponse extends Writable {
  readonly taken: string[] = [];
  #done: (() => void) | null = null;

  writeHead(): this {
    return this;
  }

  flushHeaders(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#done = done;
  }

  take(): void {
    this.#done?.();
  }
}

const ID = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;

/** A stream to a client that does not read, of a batch of which `settled` requests are. */
async function setUp() {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const catalog = createMemoryCatalog({ randomBytes: (length) => new Uint8Array(length), now: () => clock.now() });
  const { id: workspaceId } = await catalog.workspaces.default();
  const options = { counts: 'live', markers: 'respect', budgetNanoUsd: null } as const;
  const terms = { apiVersion: '2023-06-01', betas: [], userProfileId: null, options } as const;
  const nowUs = microsecondsFromMs(clock.now());
  await catalog.batches.create({ id: ID, workspaceId, requestCount: 1_000_000, ...terms }, nowUs, null);
  const batch = (await catalog.batches.find(workspaceId, ID)) as BatchRecord;
  const changes = new BatchChanges();
  let settled = 0;
  const progress: HttpServices['progress'] = {
    counts: () => null,
    details: () => runningBatch(settled),
    requestState: () => null,
    listen: (id, listener) => changes.listen(id, listener),
  };
  const services = {
    clock,
    pace: clock,
    catalog,
    progress,
    settings: DEFAULT_HTTP_SETTINGS,
  } as unknown as HttpServices;
  const watches = new Watches(services, 1);
  const response = new StalledResponse();
  const request = { headers: {}, socket: {} } as IncomingMessage;
  const call = {
    request,
    response: response as unknown as ServerResponse,
    method: 'GET',
    facts: { route: '' },
  } as Call;
  const over = streamEvents({ services, watches } as Room, call, { message_batch_id: ID }, { workspaceId } as Caller);
  const settle = (count: number): void => {
    settled = count;
    changes.tell(ID, 'moved');
  };
  const rest = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  };
  await rest();
  return { batch, clock, response, over, settle, rest, watches };
}

function runningBatch(settled: number): RunningBatch {
  return {
    states: { pending: 1_000_000 - settled, dispatched: 0, backing_off: 0, settled },
    settledPerSecond: 1,
    turns: new Map(),
    waitingForLeader: 0,
    openPrefixes: 0,
    ledger: { rows: 0, bytes: 0, atUs: microsecondsFromMs(0), totals: new Map() },
    budget: { reservedNanoUsd: 0, isExhausted: false },
  };
}

const settledIn = (event: string | undefined) => Number(/"settled":(\d+)/.exec(event ?? '')?.[1] ?? Number.NaN);

test('a client that reads slowly holds one event in memory, and gets the latest next', async () => {
  const { clock, response, settle, rest } = await setUp();
  expect(response.taken.map(settledIn)).toEqual([0]);
  const heldBytes = response.writableLength;
  for (let second = 1; second <= 30; second++) {
    for (let i = 0; i < 100; i++) settle(second * 1000 + i);
    await clock.advance(1000, rest);
  }
  expect(response.taken).toHaveLength(1);
  expect(response.writableLength).toBe(heldBytes);
  response.take();
  await rest();
  await clock.advance(1000, rest);
  expect(response.taken.map(settledIn)).toEqual([0, 30_099]);
  response.destroy();
});

test('a client that takes nothing for a minute is cut, and its place is free', async () => {
  const { clock, response, over, rest, watches, batch } = await setUp();
  await clock.advance(59_999, rest);
  expect(response.destroyed).toBe(false);
  expect(watches.open(batch.id, new StalledResponse() as unknown as ServerResponse)).toBeNull();
  await clock.advance(1, rest);
  expect(response.destroyed).toBe(true);
  await over;
  expect(watches.open(batch.id, new StalledResponse() as unknown as ServerResponse)).not.toBeNull();
  expect(clock.pendingCount).toBe(0);
});
