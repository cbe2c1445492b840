import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory, resetPeak } from '../measure/process-memory.ts';
import { roundRobin } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Uploader } from '../processes/uploader.ts';
import { startServerUnderTest, startSilentUpstream, startUploader } from './server-under-test.ts';

/**
 * What uploads add to the memory of an idle server, and how fast eight at once are taken in. Each measurement is the
 * first thing that happens to a new server.
 */
export const intakeMemory: Figure = {
  name: 'intake memory',
  ids: ['P2', 'X4'],
  limitSeconds: 400,
  run: measure,
};

const SMALL_REQUESTS = 6275;
const LARGE_REQUESTS = 100_000;
const MEGABYTE = 1e6;
const IDLE_MS = 300;

interface Sample {
  /** Over idle, in megabytes. */
  readonly peak: number;
  /** Of all uploads together, from the first byte sent to the last answer. */
  readonly megabytesPerSecond: number;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startSilentUpstream(bench);
  const [small, large] = [startUploader(bench, 'prose', SMALL_REQUESTS), startUploader(bench, 'prose', LARGE_REQUESTS)];
  const [bodySmall, bodyLarge] = [SMALL_REQUESTS, LARGE_REQUESTS].map((requests) => (requests * 2550) / MEGABYTE);
  const samples = await roundRobin<'small' | 'large' | 'eight', Sample>(bench.rounds, {
    small: () => peakOver(bench, upstream.port, small, 1),
    large: () => peakOver(bench, upstream.port, large, 1),
    eight: () => peakOver(bench, upstream.port, large, 8),
  });
  const [smallPeaks, largePeaks, eightPeaks] = [samples.small, samples.large, samples.eight].map((round) =>
    round.map(({ peak }) => peak),
  ) as [number[], number[], number[]];
  const growth = largePeaks.map((peak, round) => Math.abs(peak - (smallPeaks[round] ?? 0)));
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
      ...row(`peak memory over idle, body of ${Math.round(bodyLarge ?? 0)} MB`, largePeaks, 0),
      baseline: { name: 'the body', unit: 'MB', value: spreadOf([bodyLarge ?? 0]) },
      ratio: spreadOf(largePeaks.map((peak) => peak / (bodyLarge ?? 0))),
      goal: atMost('ratio', 0.3),
    },
    row(`how far a body of ${Math.round(bodySmall ?? 0)} MB differs from that`, growth, 10),
    row('peak memory over idle, eight such uploads at once', eightPeaks, 400),
    rateRow(samples.large, samples.eight),
  ];
}

async function peakOver(
  bench: Bench,
  upstreamPort: number,
  uploader: BenchProcess<Uploader>,
  uploads: number,
): Promise<Sample> {
  const server = await startServerUnderTest(bench, upstreamPort, { concurrency: 1 });
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { pid } = server.process;
  resetPeak(pid);
  const idle = readMemory(pid).resident;
  const startedMs = performance.now();
  const made = await uploader.ask('uploadTogether', { port: server.port, uploads });
  const seconds = (performance.now() - startedMs) / 1000;
  const { peak } = readMemory(pid);
  await server.process.leave();
  const bytes = made.reduce((sum, upload) => sum + upload.bytes, 0);
  return { peak: (peak - idle) / MEGABYTE, megabytesPerSecond: bytes / MEGABYTE / seconds };
}

function rateRow(one: readonly Sample[], eight: readonly Sample[]): Row {
  const rates = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.megabytesPerSecond);
  return {
    id: 'X4',
    figure: 'intake of eight uploads of 255 MB at once, together',
    unit: 'MB/s',
    value: spreadOf(rates(eight)),
    baseline: { name: 'one such upload', unit: 'MB/s', value: spreadOf(rates(one)) },
    ratio: pairedRatio(rates(eight), rates(one)),
    goal: null,
  };
}
