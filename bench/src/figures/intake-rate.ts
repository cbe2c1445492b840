import { atLeast, atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, quantile, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { NaiveReceiver } from '../processes/naive-receiver.ts';
import type { Upload, Uploader } from '../processes/uploader.ts';
import { timeBatchRead } from './batch-api.ts';
import { startServerUnderTest, startSilentUpstream, startUploader, type Listening } from './server-under-test.ts';
import type { Server } from '../processes/server.ts';

/**
 * Intake of 255 MB: its rate against node:http that drops the bytes and against a handler that parses, its processor
 * time, and what others notice of it. The upstream stays silent, so that dispatch of an earlier round does not show.
 */
export const intakeRate: Figure = {
  name: 'intake rate',
  ids: ['P1', 'P1b', 'P3'],
  limitSeconds: 400,
  run: measure,
};

const REQUESTS = 100_000;
const WARM_UP_REQUESTS = 6000;

interface Sample {
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
  readonly stallMs: number;
  readonly readMs: readonly number[];
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startSilentUpstream(bench);
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: 1 });
  const warmUp = await startUploader(bench, 'prose', WARM_UP_REQUESTS).ask('upload', server.port);
  const prose = startUploader(bench, 'prose', REQUESTS);
  const escapes = startUploader(bench, 'escapes', REQUESTS);
  const naive = async (mode: 'drop' | 'store'): Promise<number> => {
    const receiver = bench.processes.start<NaiveReceiver>('naive-receiver', {
      mode,
      directory: bench.makeDirectory(mode),
    });
    return receiver.ask('port');
  };
  const [dropPort, storePort] = [await naive('drop'), await naive('store')];
  const watchedId = warmUp.batchId ?? '';
  const samples = await roundRobin<'drop' | 'server' | 'watched' | 'escapes' | 'store', Sample>(bench.rounds, {
    drop: bare(prose, dropPort),
    server: () => upload(prose, server, null),
    watched: () => upload(prose, server, watchedId),
    escapes: () => upload(escapes, server, null),
    store: bench.wants('P1') ? bare(prose, storePort) : bare(prose, dropPort),
  });
  return [...rateRows(samples), ...cpuRows(samples), ...noticeRows(samples)];
}

function bare(uploader: BenchProcess<Uploader>, port: number): Variant<Sample> {
  return async () => ({
    megabytesPerSecond: rate(await uploader.ask('upload', port)),
    cpuSecondsPerGigabyte: 0,
    stallMs: 0,
    readMs: [],
  });
}

/** One upload; with a batch to watch, that batch is read over and over meanwhile, as a client that polls would. */
async function upload(
  uploader: BenchProcess<Uploader>,
  { process: server, port }: Listening<Server>,
  watchedId: string | null,
): Promise<Sample> {
  await server.ask('watchEventLoop');
  const usedBefore = await server.ask('usage');
  const uploading = uploader.ask('upload', port);
  const readMs = watchedId === null ? [] : await readUntil(uploading, port, watchedId);
  const done = await uploading;
  const used = (await server.ask('usage')) - usedBefore;
  return {
    megabytesPerSecond: rate(done),
    cpuSecondsPerGigabyte: used / 1e6 / (done.bytes / 1e9),
    stallMs: await server.ask('longestStallMs'),
    readMs,
  };
}

async function readUntil(uploading: Promise<unknown>, port: number, batchId: string): Promise<readonly number[]> {
  const reads: number[] = [];
  let isOver = false;
  const over = uploading.finally(() => (isOver = true));
  while (!isOver) reads.push(await timeBatchRead(port, batchId));
  await over;
  return reads;
}

function rate({ bytes, seconds }: Upload): number {
  return bytes / 1e6 / seconds;
}

type Samples = Readonly<Record<'drop' | 'server' | 'watched' | 'escapes' | 'store', readonly Sample[]>>;

const rates = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.megabytesPerSecond);

function rateRows({ drop, server, escapes, store }: Samples): readonly Row[] {
  const bareBaseline = { name: 'node:http, bytes dropped', unit: 'MB/s', value: spreadOf(rates(drop)) };
  const shared = { id: 'P1', unit: 'MB/s', value: spreadOf(rates(server)) };
  return [
    {
      ...shared,
      figure: 'intake of prose, 255 MB, durable and checked',
      baseline: bareBaseline,
      ratio: pairedRatio(rates(server), rates(drop)),
      goal: atLeast('ratio', 0.25),
    },
    {
      ...shared,
      figure: 'the same against a handler that parses',
      baseline: { name: 'concat, parse, one append, sync', unit: 'MB/s', value: spreadOf(rates(store)) },
      ratio: pairedRatio(rates(server), rates(store)),
      goal: atLeast('ratio', 10),
    },
    {
      id: 'P1',
      figure: 'intake of escapes, 243 MB',
      unit: 'MB/s',
      value: spreadOf(rates(escapes)),
      baseline: bareBaseline,
      ratio: pairedRatio(rates(escapes), rates(drop)),
      goal: null,
    },
  ];
}

function cpuRows({ server, escapes }: Samples): readonly Row[] {
  const row = (figure: string, samples: readonly Sample[], bound: number): Row => ({
    id: 'P1b',
    figure,
    unit: 's/GB',
    value: spreadOf(samples.map((sample) => sample.cpuSecondsPerGigabyte)),
    baseline: null,
    ratio: null,
    goal: atMost('value', bound),
  });
  return [row('processor time of intake, prose', server, 1.6), row('processor time of intake, escapes', escapes, 2.5)];
}

function noticeRows({ watched }: Samples): readonly Row[] {
  const row = (figure: string, values: readonly number[], bound: number): Row => ({
    id: 'P3',
    figure,
    unit: 'ms',
    value: spreadOf(values),
    baseline: null,
    ratio: null,
    goal: atMost('value', bound),
  });
  const p99 = watched.map(({ readMs }) =>
    quantile(
      [...readMs].sort((a, b) => a - b),
      0.99,
    ),
  );
  return [
    row(
      'longest event-loop stall during intake',
      watched.map((sample) => sample.stallMs),
      20,
    ),
    row('p99 of reading a batch meanwhile', p99, 50),
  ];
}
