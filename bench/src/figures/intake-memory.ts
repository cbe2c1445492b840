import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory, resetPeak } from '../measure/process-memory.ts';
import { roundRobin } from '../measure/round-robin.ts';
import { spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Uploader } from '../processes/uploader.ts';
import { startServerUnderTest, startSilentUpstream, startUploader } from './server-under-test.ts';

/** What uploads add to the memory of an idle server. Each measurement is the first thing that happens to a new server. */
export const intakeMemory: Figure = {
  name: 'intake memory',
  ids: ['P2'],
  limitSeconds: 400,
  run: measure,
};

const SMALL_REQUESTS = 6275;
const LARGE_REQUESTS = 100_000;
const MEGABYTE = 1e6;
const IDLE_MS = 300;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startSilentUpstream(bench);
  const [small, large] = [startUploader(bench, 'prose', SMALL_REQUESTS), startUploader(bench, 'prose', LARGE_REQUESTS)];
  const [bodySmall, bodyLarge] = [SMALL_REQUESTS, LARGE_REQUESTS].map((requests) => (requests * 2550) / MEGABYTE);
  const peaks = await roundRobin<'small' | 'large' | 'eight', number>(bench.rounds, {
    small: () => peakOver(bench, upstream.port, small, 1),
    large: () => peakOver(bench, upstream.port, large, 1),
    eight: () => peakOver(bench, upstream.port, large, 8),
  });
  const growth = peaks.large.map((peak, round) => Math.abs(peak - (peaks.small[round] ?? 0)));
  const row = (figure: string, values: readonly number[], bound: number): Row => ({
    id: 'P2',
    figure,
    unit: 'MB',
    value: spreadOf(values),
    baseline: null,
    ratio: null,
    goal: atMost('value', bound),
  });
  return [
    {
      ...row(`peak memory over idle, body of ${Math.round(bodyLarge ?? 0)} MB`, peaks.large, 0),
      baseline: { name: 'the body', unit: 'MB', value: spreadOf([bodyLarge ?? 0]) },
      ratio: spreadOf(peaks.large.map((peak) => peak / (bodyLarge ?? 0))),
      goal: atMost('ratio', 0.3),
    },
    row(`how far a body of ${Math.round(bodySmall ?? 0)} MB differs from that`, growth, 10),
    row('peak memory over idle, eight such uploads at once', peaks.eight, 400),
  ];
}

async function peakOver(
  bench: Bench,
  upstreamPort: number,
  uploader: BenchProcess<Uploader>,
  uploads: number,
): Promise<number> {
  const server = await startServerUnderTest(bench, upstreamPort, { concurrency: 1 });
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { pid } = server.process;
  resetPeak(pid);
  const idle = readMemory(pid).resident;
  await uploader.ask('uploadTogether', { port: server.port, uploads });
  const { peak } = readMemory(pid);
  await server.process.leave();
  return (peak - idle) / MEGABYTE;
}
