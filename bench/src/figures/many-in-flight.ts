import { type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory, resetPeak } from '../measure/process-memory.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import { batchEnd } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream } from './server-under-test.ts';
import { answeredAtLeast, answersPerSecond } from './upstream-pace.ts';

/**
 * Thousands of calls in flight to an upstream that takes a second. The rate is that of the middle of a batch, where all
 * places are in use: with ten rounds of calls to a batch, the first and the last would count for a fifth.
 */
export const manyInFlight: Figure = {
  name: '8,192 in flight',
  ids: ['X2'],
  limitSeconds: 300,
  run: measure,
};

const CONCURRENCY = 8192;
/** The server finds out how much it may send by doubling; so many answers take it there. */
const WARM_UP_REQUESTS = 40_000;
const REQUESTS = 65_000;
const FROM = 20_000;
const TO = 55_000;
const IDLE_MS = 300;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startUpstream(bench, { answerBytes: 600, latencyMs: 1000, jitterMs: 500 });
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: CONCURRENCY });
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idle = readMemory(server.process.pid).resident;
  const warmUp = await startUploader(bench, 'prose', WARM_UP_REQUESTS).ask('upload', server.port);
  await batchEnd(server.port, warmUp.batchId ?? '', WARM_UP_REQUESTS);
  const uploader = startUploader(bench, 'prose', REQUESTS);
  const [rates, ideals, kilobytes, costs]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < bench.rounds; round++) {
    await upstream.process.ask('forget');
    resetPeak(server.process.pid);
    const usedBefore = await server.process.ask('usage');
    const { batchId } = await uploader.ask('upload', server.port);
    const before = await answeredAtLeast(upstream, FROM);
    const after = await answeredAtLeast(upstream, TO);
    await batchEnd(server.port, batchId ?? '', REQUESTS);
    const { meanLatencyMs } = await upstream.process.ask('tally');
    costs.push(((await server.process.ask('usage')) - usedBefore) / REQUESTS);
    rates.push(answersPerSecond(before, after));
    ideals.push(CONCURRENCY / (meanLatencyMs / 1000));
    kilobytes.push((readMemory(server.process.pid).peak - idle) / CONCURRENCY / 1000);
  }
  return rows(rates, ideals, kilobytes, costs);
}

function rows(
  rates: readonly number[],
  ideals: readonly number[],
  kilobytes: readonly number[],
  costs: readonly number[],
): readonly Row[] {
  const informs = (figure: string, unit: string, values: readonly number[]): Row => ({
    id: 'X2',
    figure,
    unit,
    value: spreadOf(values),
    baseline: null,
    ratio: null,
    goal: null,
  });
  return [
    {
      ...informs('dispatch, 8,192 in flight, upstream of 1000 ± 500 ms', 'req/s', rates),
      baseline: { name: '8,192 ÷ mean latency', unit: 'req/s', value: spreadOf(ideals) },
      ratio: pairedRatio(rates, ideals),
    },
    informs('peak memory over idle, by call in flight', 'kB', kilobytes),
    informs('processor time per request, all in', 'µs', costs),
  ];
}
