import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteCatalog, type Catalog } from '@batchwright/server';
import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory } from '../measure/process-memory.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, quantile, spreadOf } from '../measure/spread.ts';
import type { Server } from '../processes/server.ts';
import { timeRead } from './batch-api.ts';
import { startServerUnderTest, startSilentUpstream, type Listening } from './server-under-test.ts';

/**
 * A hundred thousand batches that have ended and are still kept: what they cost whoever reads one or lists a page, and
 * a server that starts. They are stored through the catalog, each with the directory its files would lie in; a start
 * reads the names of those, and nothing of an ended batch but them.
 */
export const storedBatches: Figure = {
  name: 'stored batches',
  ids: ['P12', 'X6'],
  limitSeconds: 300,
  run: measure,
};

const MANY = 100_000;
const FEW = 10;
/** Small enough that ten batches fill it, whatever its cursor: pages of the same length are compared. */
const PAGE = 5;
const WARM_UP_READS = 500;
const READS = 2000;
const CLAIMED_AT_ONCE = 1000;
const IDLE_MS = 500;
const CATALOG = 'catalog.db';
/** Memory, where Linux has it: a hundred thousand commits with a sync each are not what is measured. */
const SHARED_MEMORY = '/dev/shm';

type NewBatch = Parameters<Catalog['batches']['create']>[0];
type Ids = readonly NewBatch['id'][];

/** A data directory with ended batches, oldest first. */
interface Stored {
  readonly directory: string;
  readonly ids: Ids;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startSilentUpstream(bench);
  const few = await store(bench, upstream.port, FEW);
  const many = await store(bench, upstream.port, MANY);
  return [
    ...(bench.wants('P12') ? await readRows(bench, upstream.port, few, many) : []),
    ...(bench.wants('X6') ? await startRows(bench, upstream.port, many) : []),
  ];
}

/** Lets a server found the directory, and stores batches beside it once it has left. */
async function store(bench: Bench, upstreamPort: number, count: number): Promise<Stored> {
  const directory = bench.makeDirectory('stored');
  const founder = await startServerUnderTest(bench, upstreamPort, { concurrency: 1, dataDirectory: directory });
  await founder.process.leave();
  const desk = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'batchwright-bench-'));
  try {
    copyCatalog(directory, desk);
    const catalog = await openSqliteCatalog(join(desk, CATALOG), { randomBytes, now: Date.now });
    const ids = await addEnded(catalog, count);
    await catalog.close();
    copyCatalog(desk, directory);
    for (const id of ids) mkdirSync(join(directory, 'batches', id));
    return { directory, ids };
  } finally {
    rmSync(desk, { recursive: true, force: true });
  }
}

/** A catalog that was closed may still have its latest pages in the write-ahead log beside it. */
function copyCatalog(from: string, to: string): void {
  for (const name of [CATALOG, `${CATALOG}-wal`]) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
    else rmSync(join(to, name), { force: true });
  }
}

async function addEnded(catalog: Catalog, count: number): Promise<Ids> {
  const { id: workspaceId } = await catalog.workspaces.default();
  const ids: NewBatch['id'][] = [];
  for (let number = 0; number < count; number++) {
    const id = `msgbatch_01${String(number).padStart(22, 'x')}` as NewBatch['id'];
    await catalog.batches.create(batchOf(id, workspaceId), nowUs(), null);
    ids.push(id);
  }
  for (;;) {
    const leases = await catalog.shards.claim('bench', nowUs(), 60_000, CLAIMED_AT_ONCE);
    if (leases.length === 0) return ids;
    for (const lease of leases) {
      const counts = { processing: 0, succeeded: lease.batch.requestCount, errored: 0, canceled: 0, expired: 0 };
      await catalog.shards.end(lease, counts, nowUs());
    }
  }
}

function batchOf(id: NewBatch['id'], workspaceId: NewBatch['workspaceId']): NewBatch {
  return {
    id,
    workspaceId,
    requestCount: 100,
    apiVersion: '2023-06-01',
    betas: [],
    userProfileId: null,
    options: { counts: 'live', markers: 'respect', budgetNanoUsd: null },
  };
}

function nowUs(): NewBatchMoment {
  return (Date.now() * 1000) as NewBatchMoment;
}

type NewBatchMoment = Parameters<Catalog['batches']['create']>[1];

async function readRows(bench: Bench, upstreamPort: number, few: Stored, many: Stored): Promise<readonly Row[]> {
  const servers: Listening<Server>[] = [];
  const reads = async (stored: Stored): Promise<Record<'retrieve' | 'list', Variant<number>>> => {
    const options = { concurrency: 1, dataDirectory: stored.directory };
    const server = await startServerUnderTest(bench, upstreamPort, options);
    servers.push(server);
    const { port } = server;
    // Any of them but the oldest page, after which there is nothing to list.
    const cursors = stored.ids.slice(PAGE);
    const variants = {
      retrieve: () => p99(port, stored.ids, (id) => `/${id}`),
      list: () => p99(port, cursors, (id) => `?limit=${PAGE}&after_id=${id}`),
    };
    for (const variant of Object.values(variants)) await variant();
    return variants;
  };
  const [ofFew, ofMany] = [await reads(few), await reads(many)];
  const samples = await roundRobin<'retrieveFew' | 'retrieveMany' | 'listFew' | 'listMany', number>(bench.rounds, {
    retrieveFew: ofFew.retrieve,
    retrieveMany: ofMany.retrieve,
    listFew: ofFew.list,
    listMany: ofMany.list,
  });
  for (const { process } of servers) await process.leave();
  const row = (figure: string, values: readonly number[], baselines: readonly number[]): Row => ({
    id: 'P12',
    figure,
    unit: 'ms',
    value: spreadOf(values),
    baseline: { name: 'ten stored', unit: 'ms', value: spreadOf(baselines) },
    ratio: pairedRatio(values, baselines),
    goal: atMost('ratio', 1.5),
  });
  return [
    row('p99 of reading a batch, 100,000 stored', samples.retrieveMany, samples.retrieveFew),
    row('p99 of listing a page anywhere, 100,000 stored', samples.listMany, samples.listFew),
  ];
}

/** The 99th of a hundred reads in a row, at places all over the range that are the same each time. */
async function p99(port: number, ids: Ids, pathOf: (id: string) => string): Promise<number> {
  const times: number[] = [];
  for (let read = -WARM_UP_READS; read < READS; read++) {
    // A step that shares no divisor with either count goes everywhere before it comes back.
    const id = ids[((read + WARM_UP_READS) * 7919) % ids.length] ?? '';
    const milliseconds = await timeRead(port, pathOf(id));
    if (read >= 0) times.push(milliseconds);
  }
  return quantile(
    times.sort((a, b) => a - b),
    0.99,
  );
}

interface Start {
  readonly milliseconds: number;
  readonly megabytes: number;
}

async function startRows(bench: Bench, upstreamPort: number, many: Stored): Promise<readonly Row[]> {
  const start = async (dataDirectory: string): Promise<Start> => {
    const startedMs = performance.now();
    const server = await startServerUnderTest(bench, upstreamPort, { concurrency: 1, dataDirectory });
    const milliseconds = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const megabytes = readMemory(server.process.pid).resident / 1e6;
    await server.process.leave();
    return { milliseconds, megabytes };
  };
  const empty = bench.makeDirectory('empty');
  await start(empty);
  const samples = await roundRobin<'full' | 'empty', Start>(bench.rounds, {
    full: () => start(many.directory),
    empty: () => start(empty),
  });
  const row = (figure: string, unit: string, of: (sample: Start) => number): Row => ({
    id: 'X6',
    figure,
    unit,
    value: spreadOf(samples.full.map(of)),
    baseline: { name: 'nothing stored', unit, value: spreadOf(samples.empty.map(of)) },
    ratio: pairedRatio(samples.full.map(of), samples.empty.map(of)),
    goal: null,
  });
  return [
    row('start with 100,000 batches stored', 'ms', (sample) => sample.milliseconds),
    row('memory half a second later', 'MB', (sample) => sample.megabytes),
  ];
}
