import { type Bench, type Figure, type Row } from '../measure/figure.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import { batchEndedAt } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream } from './server-under-test.ts';

/**
 * A thousand batches of 30 requests, created all at once, against one batch of as many requests: from the first byte sent
 * until the last batch has ended. What a batch costs by itself is the difference: its files, its commits, its timers.
 */
export const smallBatches: Figure = {
  name: 'small batches',
  ids: ['X5'],
  limitSeconds: 300,
  run: measure,
};

const BATCHES = 1000;
const REQUESTS = 30;
const CONCURRENCY = 256;

interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startUpstream(bench, { answerBytes: 600 });
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: CONCURRENCY });
  const variant = (uploads: number, count: number): Variant<Sample> => {
    const uploader = startUploader(bench, 'prose', count);
    return async () => {
      const usedBefore = await server.process.ask('usage');
      const startedMs = Date.now();
      const made = await uploader.ask('uploadTogether', { port: server.port, uploads });
      const ends: number[] = [];
      for (const { batchId } of made) ends.push(await batchEndedAt(server.port, batchId ?? '', count));
      const used = (await server.process.ask('usage')) - usedBefore;
      return { seconds: (Math.max(...ends) - startedMs) / 1000, cpuSeconds: used / 1e6 };
    };
  };
  const [many, one] = [variant(BATCHES, REQUESTS), variant(1, BATCHES * REQUESTS)];
  await one(0);
  return rows(await roundRobin<'many' | 'one', Sample>(bench.rounds, { many, one }));
}

function rows({ many, one }: Readonly<Record<'many' | 'one', readonly Sample[]>>): readonly Row[] {
  const row = (figure: string, of: (sample: Sample) => number): Row => ({
    id: 'X5',
    figure,
    unit: 's',
    value: spreadOf(many.map(of)),
    baseline: { name: 'one batch of 30,000', unit: 's', value: spreadOf(one.map(of)) },
    ratio: pairedRatio(many.map(of), one.map(of)),
    goal: null,
  });
  return [
    row('1,000 batches of 30 at once, until all have ended', (sample) => sample.seconds),
    row('processor time of it, reading each afterwards included', (sample) => sample.cpuSeconds),
  ];
}
