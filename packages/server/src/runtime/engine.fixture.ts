import { UPSTREAM_PROFILES, VirtualClock, type BatchOptions, type BatchRecord } from '@batchwright/core';
import {
  makeId,
  microsecondsFromMs,
  type BatchId,
  type BatchResultLine,
  type WorkspaceId,
} from '@batchwright/protocol';
import { CustomIds } from '@batchwright/scan';
import type { Catalog } from '../catalog/catalog.ts';
import { createMemoryCatalog } from '../catalog/memory/memory-catalog.ts';
import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from '../dispatch/upstream/upstream.ts';
import { silentLog, type Log } from '../observe/log.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import type { Spool } from '../spool/spool.ts';
import { Activity } from './activity.ts';
import { createEngine } from './engine.ts';

export interface HeldCall {
  readonly prompt: string;
  readonly request: UpstreamCall;
  readonly atMs: number;
  isCancelled: boolean;
  answer(status?: number, body?: string | Uint8Array, headers?: Record<string, string>): void;
  fail(reason: string): void;
}

/** An upstream whose every answer the test gives. */
export class HeldUpstream implements Upstream {
  readonly name = 'held';
  readonly isSimulated = false;
  readonly calls: HeldCall[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    const params = JSON.parse(Buffer.from(request.body as Uint8Array).toString()) as {
      messages: { content: string }[];
    };
    const call: HeldCall = {
      prompt: params.messages[0]?.content ?? '',
      request,
      atMs: this.#now(),
      isCancelled: false,
      answer(status = 200, body = '{"id":"msg_1","usage":{"input_tokens":1}}', headers = {}) {
        events.onHead(status, headers);
        events.onData(typeof body === 'string' ? Buffer.from(body) : body);
        events.onEnd();
      },
      fail: (reason) => events.onFailure(reason, false),
    };
    this.calls.push(call);
    return () => {
      call.isCancelled = true;
    };
  }

  get open(): readonly HeldCall[] {
    return this.calls.filter((call) => !call.isCancelled);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** An error's body in the API's envelope. */
export const error = (type: string, message: string, details?: object): string =>
  JSON.stringify({ type: 'error', error: { type, message, details } });

export interface EngineSetting {
  readonly concurrency?: number;
  /** Puts something between the engine and its stores. */
  readonly catalog?: (catalog: Catalog) => Catalog;
  readonly spool?: (spool: Spool) => Spool;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** False when the test holds up the opening of batches: `create` then does not wait for it. */
  readonly awaitOpening?: boolean;
}

/** An engine in virtual time on stores in memory, with clients to create and cancel batches. */
export async function setUp(setting: EngineSetting = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const upstream = new HeldUpstream(() => clock.now());
  let seed = 0;
  const randomBytes = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => {
      const mixed = Math.imul(++seed ^ (seed >>> 16), 0x85ebca6b);
      return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 24;
    });
  const catalog = createMemoryCatalog({ randomBytes, now: () => clock.now() });
  const spool = createMemorySpool();
  const activity = new Activity();
  const engine = createEngine({
    node: 'test',
    catalog: setting.catalog?.(catalog) ?? catalog,
    spool: setting.spool?.(spool) ?? spool,
    upstream,
    profile: UPSTREAM_PROFILES.anthropic,
    isCacheShared: false,
    clock,
    pace: clock,
    random: () => 0.5,
    randomBytes,
    activity,
    metrics: setting.metrics ?? createMetrics(),
    log: setting.log ?? silentLog,
    concurrency: setting.concurrency ?? 4,
    commitIntervalMs: 0,
    cancelGraceMs: 10_000,
    shutdownGraceMs: 5000,
  });
  await engine.start();
  const quiet = (): Promise<void> => activity.quiet();
  const advance = async (ms: number): Promise<void> => {
    await quiet();
    await clock.advance(ms, quiet);
  };

  const create = async (prompts: readonly string[], workspaceId?: WorkspaceId, params: object = {}) => {
    const bodies = prompts.map((content) =>
      JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }], ...params }),
    );
    return createOf(bodies, workspaceId);
  };
  const createOf = async (
    bodies: readonly string[],
    workspaceId?: WorkspaceId,
    options: Partial<BatchOptions> = {},
  ) => {
    const id = makeId('batch', randomBytes) as BatchId;
    const log = await spool.createRequestLog(id);
    await log.append(Buffer.from(bodies.join('')));
    const ids = bodies.map((_, i) => `c${i}`);
    await log.commit({
      count: bodies.length,
      paramsOffset: Uint32Array.from(bodies, (_, i) => Buffer.byteLength(bodies.slice(0, i).join(''))),
      paramsBytes: Uint32Array.from(bodies, (body) => Buffer.byteLength(body)),
      traits: new Uint8Array(bodies.length),
      customIds: new CustomIds(
        Uint8Array.from(ids, (id) => id.length),
        Buffer.from(ids.join('')),
      ),
    });
    const owner = workspaceId ?? (await catalog.workspaces.default()).id;
    const terms = { apiVersion: '2023-06-01', betas: ['b-2026-01-01'], userProfileId: null } as const;
    const outcome = await catalog.batches.create(
      {
        id,
        workspaceId: owner,
        requestCount: bodies.length,
        ...terms,
        options: { counts: 'live', markers: 'respect', budgetNanoUsd: null, ...options },
      },
      microsecondsFromMs(clock.now()),
      null,
    );
    if (outcome.type !== 'created') throw new Error(outcome.type);
    engine.scheduler.batchCreated(outcome.batch);
    if (setting.awaitOpening !== false) await quiet();
    return outcome.batch;
  };
  const cancel = async (batch: BatchRecord) => {
    const now = microsecondsFromMs(clock.now());
    engine.scheduler.cancelRequested((await catalog.batches.cancel(batch.workspaceId, batch.id, now)) as BatchRecord);
    await quiet();
  };
  const find = (batch: BatchRecord) => catalog.batches.find(batch.workspaceId, batch.id) as Promise<BatchRecord>;
  const rows = async (batch: BatchRecord): Promise<BatchResultLine[]> => {
    const reader = await spool.readResults(batch.id);
    if (reader === null) return [];
    const bytes = new Uint8Array(reader.bytes);
    await reader.read(bytes, 0);
    return Buffer.from(bytes)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as BatchResultLine);
  };
  return { clock, upstream, catalog, spool, engine, quiet, advance, create, createOf, cancel, find, rows };
}

/** `count` prompts. */
export const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
