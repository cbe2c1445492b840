import { atLeast, atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { LoadClient } from '../processes/socket-client.ts';
import type { Uploader } from '../processes/uploader.ts';
import type { Upstream } from '../processes/upstream.ts';
import { batchEnd } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream, type Listening } from './server-under-test.ts';

/**
 * Dispatch with an upstream that answers at once, in another process: requests per second until the batch has ended and
 * every result is durable, and processor time per request, all in: intake, dispatch, results.
 */
export const dispatch: Figure = {
  name: 'dispatch',
  ids: ['P4', 'P5', 'P6'],
  limitSeconds: 500,
  run: measure,
};

const REQUESTS = 30_000;
const WARM_UP_REQUESTS = 3000;
const SOCKET_REQUESTS = 60_000;
const SDK_REQUESTS = 3000;

interface Sample {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

type Name = 'at64' | 'at256' | 'at1024' | 'withoutSync' | 'socket' | 'sdk';
type Samples = Readonly<Record<Name, readonly Sample[]>>;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startUpstream(bench, { answerBytes: 600 });
  const uploaders = {
    warmUp: startUploader(bench, 'prose', WARM_UP_REQUESTS),
    measured: startUploader(bench, 'prose', REQUESTS),
  };
  const server = (concurrency: number, withoutSync = false): Promise<Variant<Sample>> =>
    serverVariant(bench, upstream, uploaders, { concurrency, withoutSync });
  const samples = await roundRobin<Name, Sample>(bench.rounds, {
    at64: await server(64),
    at256: await server(256),
    at1024: await server(1024),
    withoutSync: await server(256, true),
    socket: await clientVariant(bench, upstream, 'socket-client', SOCKET_REQUESTS),
    sdk: await clientVariant(bench, upstream, 'sdk-client', SDK_REQUESTS),
  });
  return [...rateRows(samples), ...cpuRows(samples), ...durabilityRows(samples)];
}

async function serverVariant(
  bench: Bench,
  upstream: Listening<Upstream>,
  uploaders: Readonly<Record<'warmUp' | 'measured', BenchProcess<Uploader>>>,
  options: { readonly concurrency: number; readonly withoutSync: boolean },
): Promise<Variant<Sample>> {
  const server = await startServerUnderTest(bench, upstream.port, options);
  const warmUp = await uploaders.warmUp.ask('upload', server.port);
  await batchEnd(server.port, warmUp.batchId ?? '', WARM_UP_REQUESTS);
  return async () => {
    await upstream.process.ask('forget');
    const usedBefore = await server.process.ask('usage');
    const { batchId } = await uploaders.measured.ask('upload', server.port);
    const endedMs = await batchEnd(server.port, batchId ?? '', REQUESTS);
    const used = (await server.process.ask('usage')) - usedBefore;
    const { firstCallMs } = await upstream.process.ask('tally');
    return { perSecond: REQUESTS / ((endedMs - firstCallMs) / 1000), cpuMicroseconds: used / REQUESTS };
  };
}

async function clientVariant(
  bench: Bench,
  upstream: Listening<Upstream>,
  program: 'socket-client' | 'sdk-client',
  count: number,
): Promise<Variant<Sample>> {
  const client = bench.processes.start<LoadClient>(program, {});
  const { port } = upstream;
  await client.ask('run', { port, count: Math.ceil(count / 10), connections: 256 });
  return async () => {
    const { seconds, cpuMicroseconds } = await client.ask('run', { port, count, connections: 256 });
    return { perSecond: count / seconds, cpuMicroseconds: cpuMicroseconds / count };
  };
}

const rates = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.perSecond);
const costs = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.cpuMicroseconds);

function rateRows({ at256, socket, sdk }: Samples): readonly Row[] {
  const row = (figure: string, name: string, baseline: readonly Sample[], bound: number): Row => ({
    id: 'P4',
    figure,
    unit: 'req/s',
    value: spreadOf(rates(at256)),
    baseline: { name, unit: 'req/s', value: spreadOf(rates(baseline)) },
    ratio: pairedRatio(rates(at256), rates(baseline)),
    goal: atLeast('ratio', bound),
  });
  return [
    row('dispatch, 256 in flight, instant upstream, durable', 'sockets by hand, nothing kept', socket, 0.4),
    row('the same against the official SDK', 'SDK, 256 at once, nothing kept', sdk, 10),
  ];
}

function cpuRows({ at64, at256, at1024, socket }: Samples): readonly Row[] {
  return [
    {
      id: 'P5',
      figure: 'processor time per request, all in, 256 in flight',
      unit: 'µs',
      value: spreadOf(costs(at256)),
      baseline: { name: 'sockets by hand', unit: 'µs', value: spreadOf(costs(socket)) },
      ratio: pairedRatio(costs(at256), costs(socket)),
      goal: atMost('value', 50),
    },
    {
      id: 'P5',
      figure: 'the same, 1024 in flight against 64',
      unit: 'µs',
      value: spreadOf(costs(at1024)),
      baseline: { name: '64 in flight', unit: 'µs', value: spreadOf(costs(at64)) },
      ratio: pairedRatio(costs(at1024), costs(at64)),
      goal: atMost('ratio', 2),
    },
  ];
}

function durabilityRows({ at256, withoutSync }: Samples): readonly Row[] {
  const baselineName = 'the same code without sync';
  return [
    {
      id: 'P6',
      figure: 'throughput with durability',
      unit: 'req/s',
      value: spreadOf(rates(at256)),
      baseline: { name: baselineName, unit: 'req/s', value: spreadOf(rates(withoutSync)) },
      ratio: pairedRatio(rates(at256), rates(withoutSync)),
      goal: atLeast('ratio', 0.95),
    },
    {
      id: 'P6',
      figure: 'processor time with durability',
      unit: 'µs',
      value: spreadOf(costs(at256)),
      baseline: { name: baselineName, unit: 'µs', value: spreadOf(costs(withoutSync)) },
      ratio: pairedRatio(costs(at256), costs(withoutSync)),
      goal: atMost('ratio', 1.2),
    },
  ];
}
