import { atLeast, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import { batchEnd } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream } from './server-under-test.ts';

/**
 * Dispatch with an upstream that takes its time: how near the server keeps to as many calls in flight as it may have. The
 * ideal is 256 divided by the mean latency as the upstream measured it, since a timer that fires late is not our doing.
 */
export const latencyBound: Figure = {
  name: 'latency-bound dispatch',
  ids: ['P7'],
  limitSeconds: 240,
  run: measure,
};

const REQUESTS = 30_000;
const WARM_UP_REQUESTS = 3000;
const CONCURRENCY = 256;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startUpstream(bench, { answerBytes: 600, latencyMs: 50, jitterMs: 25 });
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: CONCURRENCY });
  const warmUp = await startUploader(bench, 'prose', WARM_UP_REQUESTS).ask('upload', server.port);
  await batchEnd(server.port, warmUp.batchId ?? '', WARM_UP_REQUESTS);
  const uploader = startUploader(bench, 'prose', REQUESTS);
  const [rates, ideals]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round++) {
    await upstream.process.ask('forget');
    const { batchId } = await uploader.ask('upload', server.port);
    const endedMs = await batchEnd(server.port, batchId ?? '', REQUESTS);
    const { firstCallMs, meanLatencyMs } = await upstream.process.ask('tally');
    rates.push(REQUESTS / ((endedMs - firstCallMs) / 1000));
    ideals.push(CONCURRENCY / (meanLatencyMs / 1000));
  }
  return [
    {
      id: 'P7',
      figure: 'dispatch, 256 in flight, upstream of 50 ± 25 ms',
      unit: 'req/s',
      value: spreadOf(rates),
      baseline: { name: '256 ÷ mean latency', unit: 'req/s', value: spreadOf(ideals) },
      ratio: pairedRatio(rates, ideals),
      goal: atLeast('ratio', 0.92),
    },
  ];
}
