import { UPSTREAM_PROFILES, VirtualClock, type BatchRecord } from '@batchwright/core';
import {
  makeId,
  microsecondsFromMs,
  type BatchId,
  type KeyId,
  type MicrosecondsUtc,
  type RequestCounts,
  type WorkspaceId,
} from '@batchwright/protocol';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Catalog } from '../catalog/catalog.ts';
import { createMemoryCatalog } from '../catalog/memory/memory-catalog.ts';
import type { UpstreamCall, UpstreamEvents } from '../dispatch/upstream/upstream.ts';
import { createIntake } from '../intake/create-intake.ts';
import type { Intake } from '../intake/intake.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import { silentLog } from '../observe/log.ts';
import { hashApiKey } from '../runtime/api-key.ts';
import { BatchChanges } from '../schedule/batch-changes.ts';
import type { RunningBatch } from '../schedule/running-batch.ts';
import type { ResultReader, Spool } from '../spool/spool.ts';
import { createHttpServer, type HttpServer } from './http-server.ts';
import { DEFAULT_HTTP_SETTINGS, type HttpServices, type HttpSettings } from './services.ts';

/** The HTTP room on a real socket, over the plainest stores there are: what a call does to them can be read off. */
export interface TestRoom {
  readonly port: number;
  readonly server: HttpServer;
  readonly clock: VirtualClock;
  /** Of connections; it stands still, too. */
  readonly pace: VirtualClock;
  /** Where a test tells of a batch's changes, as the scheduler would. */
  readonly changes: BatchChanges;
  readonly metrics: Metrics;
  readonly keys: { readonly k1a: string; readonly k1b: string; readonly k2: string };
  readonly workspaces: { readonly w1: WorkspaceId; readonly w2: WorkspaceId };
  readonly upstream: ScriptedUpstream;
  readonly results: Map<BatchId, ResultReader>;
  readonly liveCounts: Map<BatchId, RequestCounts>;
  readonly running: Map<BatchId, RunningBatch>;
  readonly catalog: Catalog;
  /** What the scheduler was told, in order. */
  readonly told: string[];
  /** Adds a batch of two requests and takes it to a stage; answers it as it was created. */
  addBatch(workspaceId: WorkspaceId, stage?: Stage): Promise<BatchRecord>;
  batches(): Promise<readonly BatchRecord[]>;
  revokeKey(key: string): Promise<void>;
}

/** How far a batch has come. */
export type Stage = 'in_progress' | 'canceling' | 'ended' | 'archived';

export interface RoomOverrides {
  readonly settings?: Partial<HttpSettings>;
  readonly services?: Partial<HttpServices>;
}

const NOW_MS = Date.UTC(2026, 10, 21, 9);

export async function startRoom(overrides: RoomOverrides = {}): Promise<TestRoom> {
  const clock = new VirtualClock(NOW_MS);
  const pace = new VirtualClock(NOW_MS);
  const catalog = createMemoryCatalog({ randomBytes: chance, now: () => clock.now() });
  const keys = { k1a: 'sk-test-k1a-0000000000', k1b: 'sk-test-k1b-0000000000', k2: 'sk-test-k2-00000000000' };
  const workspaces = {
    w1: await addWorkspace(catalog, 'one', [keys.k1a, keys.k1b]),
    w2: await addWorkspace(catalog, 'two', [keys.k2]),
  };
  const results: TestRoom['results'] = new Map();
  const liveCounts: TestRoom['liveCounts'] = new Map();
  const running: TestRoom['running'] = new Map();
  const told: string[] = [];
  const upstream = new ScriptedUpstream();
  const metrics = createMetrics();
  const changes = new BatchChanges();
  const readResults = async (id: BatchId): Promise<ResultReader | null> => results.get(id) ?? null;
  const services: HttpServices = {
    clock,
    pace,
    randomBytes: chance,
    catalog,
    spool: { readResults, readDurableResults: readResults } as unknown as Spool,
    intake: fakeIntake(catalog, clock),
    upstream,
    progress: {
      counts: (id) => liveCounts.get(id) ?? null,
      details: (id) => running.get(id) ?? null,
      requestState: () => null,
      listen: (id, listener) => changes.listen(id, listener),
    },
    scheduler: {
      batchCreated: (batch) => told.push(`created ${batch.id}`),
      budgetChanged: (batch) => told.push(`budget ${batch.id}`),
      cancelRequested: (batch) => told.push(`cancel ${batch.id}`),
      batchDeleted: (id) => told.push(`deleted ${id}`),
    },
    metrics,
    log: silentLog,
    emulator: null,
    readiness: async () => ({ ready: true, reasons: [] }),
    ...overrides.services,
    settings: { ...DEFAULT_HTTP_SETTINGS, ...overrides.settings },
  };
  const server = createHttpServer(services);
  const { port } = await server.listen('127.0.0.1', 0);
  onTestFinished(async () => {
    await server.close(0);
    metrics.close();
  });
  return {
    port,
    server,
    clock,
    pace,
    changes,
    metrics,
    keys,
    workspaces,
    upstream,
    results,
    liveCounts,
    running,
    catalog,
    told,
    async addBatch(workspaceId, stage = 'in_progress') {
      const nowUs = microsecondsFromMs(clock.now());
      const id = makeId('batch', chance) as BatchId;
      const terms = {
        apiVersion: '2023-06-01',
        betas: [],
        userProfileId: null,
        options: { counts: 'live', markers: 'respect', budgetNanoUsd: null },
      } as const;
      await catalog.batches.create({ id, workspaceId, requestCount: 2, ...terms }, nowUs, null);
      const batch = (await catalog.batches.find(workspaceId, id)) as BatchRecord;
      await bringTo(catalog, batch, stage, nowUs);
      return batch;
    },
    async batches() {
      const pages = Object.values(workspaces).map((id) => catalog.batches.list(id, { type: 'first' }, 1000));
      return (await Promise.all(pages)).flatMap((page) => (page === 'unknown_cursor' ? [] : page.batches));
    },
    async revokeKey(key) {
      await catalog.workspaces.revokeKey(keyIdOf(key), microsecondsFromMs(clock.now()));
    },
  };
}

/** A results log in memory that notes when it was closed and how far it was read. */
export class MemoryReader implements ResultReader {
  readonly bytes: number;
  closed = false;
  furthest = 0;
  readonly #content: Uint8Array;

  constructor(content: Uint8Array) {
    this.#content = content;
    this.bytes = content.byteLength;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const part = this.#content.subarray(position, position + target.byteLength);
    target.set(part);
    this.furthest = Math.max(this.furthest, position + part.byteLength);
    return part.byteLength;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** An upstream that does what a test tells it to, call by call. */
export class ScriptedUpstream {
  readonly name = 'scripted';
  readonly isSimulated = false;
  readonly calls: UpstreamCall[] = [];
  readonly cancelled: UpstreamCall[] = [];
  script: (call: UpstreamCall, events: UpstreamEvents) => void = (_call, events) => {
    events.onHead(200, { 'content-type': 'application/json', 'request-id': 'req_upstream' });
    events.onData(Buffer.from('{"type":"message"}'));
    events.onEnd();
  };
  onCancel: () => void = () => {};

  call(call: UpstreamCall, events: UpstreamEvents): () => void {
    this.calls.push(call);
    setImmediate(() => this.script(call, events));
    return () => {
      this.cancelled.push(call);
      this.onCancel();
    };
  }

  async close(): Promise<void> {}
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** One call on its own connection, with the headers every SDK sends unless told otherwise. */
export function ask(room: TestRoom, { method = 'GET', path, key, headers = {}, body }: Ask): Promise<Answer> {
  const credential = key === null ? {} : { 'x-api-key': key ?? room.keys.k1a };
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port: room.port,
      method,
      path,
      agent: false,
      headers: { 'anthropic-version': '2023-06-01', ...credential, ...(headers as Record<string, string>) },
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer);
      } catch (error) {
        return reject(error);
      }
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
    });
    request.end(body);
  });
}

/** Sends bytes as they are and answers everything that comes back until the connection ends. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (received += text));
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

/** A create body of `count` requests. */
export function createBody(count: number): string {
  const params = { model: 'claude-haiku-4-5', max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] };
  return JSON.stringify({ requests: Array.from({ length: count }, (_, i) => ({ custom_id: `r-${i}`, params })) });
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const NODE = 'test';
const LEASE_MS = 60_000;

/** Takes a batch to a stage of its life the way the server would. */
async function bringTo(catalog: Catalog, batch: BatchRecord, stage: Stage, nowUs: MicrosecondsUtc): Promise<void> {
  if (stage === 'in_progress') return;
  if (stage === 'canceling') {
    await catalog.batches.cancel(batch.workspaceId, batch.id, nowUs);
    return;
  }
  for (const lease of await catalog.shards.claim(NODE, nowUs, LEASE_MS, 1000)) {
    const counts = { processing: 0, succeeded: batch.requestCount, errored: 0, canceled: 0, expired: 0 };
    if (lease.batch.id === batch.id) await catalog.shards.end(lease, counts, nowUs);
    else await catalog.shards.release(lease);
  }
  if (stage === 'archived') await catalog.batches.archive(batch.id, nowUs);
}

async function addWorkspace(catalog: Catalog, name: string, keys: readonly string[]): Promise<WorkspaceId> {
  const createdAtUs = microsecondsFromMs(NOW_MS);
  const id = makeId('workspace', chance) as WorkspaceId;
  await catalog.workspaces.create({ id, name, createdAtUs });
  for (const key of keys) {
    const keyId = keyIdOf(key);
    const fresh = { id: keyId, workspaceId: id, name: key, hint: '', createdAtUs, expiresAtUs: null };
    await catalog.workspaces.addKey({ ...fresh, sha256: hashApiKey(key) });
  }
  return id;
}

const keyIdOf = (key: string): KeyId => `apikey_${key}` as KeyId;
const chance = (length: number): Uint8Array => randomBytes(length);

const ESTIMATE_PARTS = {
  profile: UPSTREAM_PROFILES.anthropic,
  hasBatchDiscount: true,
  randomBytes: chance,
  concurrentUploads: 1,
  spool: { createRequestLog: () => Promise.reject(new Error('an estimate stores nothing')) },
};

/** Intake as the HTTP room sees it: reads the stream to its end or its fault, and refuses what is not a batch. */
function fakeIntake(catalog: Catalog, clock: VirtualClock): Intake {
  return {
    async receive(body, terms) {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of body) chunks.push(chunk as Buffer);
      } catch {
        return { type: 'broken_off' };
      }
      let requests: unknown;
      try {
        ({ requests } = JSON.parse(Buffer.concat(chunks).toString()) as { requests?: unknown });
      } catch {
        return { type: 'refused', problem: { type: 'not_json', reason: 'unexpected byte' } };
      }
      if (!Array.isArray(requests)) return { type: 'refused', problem: { type: 'field_missing', path: 'requests' } };
      if (requests.length === 0) return { type: 'refused', problem: { type: 'requests_empty' } };
      const id = makeId('batch', chance) as BatchId;
      const nowUs = microsecondsFromMs(clock.now());
      const created = await catalog.batches.create({ ...terms, id, requestCount: requests.length }, nowUs, null);
      if (created.type !== 'created') throw new Error('the fake catalog has no queue limit');
      return { type: 'accepted', batch: created.batch };
    },
    // The real one, over a spool of which it must make no use.
    estimate: (body, asked) => createIntake({ ...ESTIMATE_PARTS, catalog, clock }).estimate(body, asked),
  };
}
