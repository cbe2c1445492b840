import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory, resetPeak } from '../measure/process-memory.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Uploader } from '../processes/uploader.ts';
import type { Upstream } from '../processes/upstream.ts';
import { batchEnd } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream, type Listening } from './server-under-test.ts';

/**
 * How dispatch grows with what waits: ten and a hundred times as many requests, in time and in peak memory.
 *
 * Every server has run a large batch before, whatever it is measured with. The first one grows V8's spaces and the scanner's
 * memory, once in a process's life and whatever comes after: without it 100,000 requests took 57 MB more than 10,000
 * did, with it 20, side by side on a busy machine.
 */
export const growth: Figure = {
  name: 'growth',
  ids: ['P13'],
  limitSeconds: 900,
  run: measure,
};

/** A million requests take more than a minute: as many rounds as other figures have would take half of the bench's time. */
const MOST_ROUNDS = 3;
const SMALL = 10_000;
const LARGE = 100_000;
const CONCURRENCY = 256;
/** Small batches before the large one: the heap takes some ten thousand requests to find its size, however few wait at a time. */
const WARM_UPS = 5;
const IDLE_MS = 300;

interface Sample {
  readonly seconds: number;
  /** Peak memory over what was resident before, in bytes. */
  readonly peakBytes: number;
}

interface Uploaders {
  readonly small: BenchProcess<Uploader>;
  readonly large: BenchProcess<Uploader>;
}

type Name = 'tenThousand' | 'hundredThousand' | 'million';

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startUpstream(bench, { answerBytes: 600 });
  const uploaders = { small: startUploader(bench, 'tiny', SMALL), large: startUploader(bench, 'tiny', LARGE) };
  const variant = (size: keyof Uploaders, batches: number): Variant<Sample> =>
    growthOf(bench, upstream, uploaders, size, batches);
  const samples = await roundRobin<Name, Sample>(Math.min(bench.rounds, MOST_ROUNDS), {
    tenThousand: variant('small', 1),
    hundredThousand: variant('large', 1),
    million: variant('large', 10),
  });
  return [
    ...rows('10,000 to 100,000', LARGE - SMALL, samples.hundredThousand, samples.tenThousand),
    ...rows('100,000 to 1,000,000', 9 * LARGE, samples.million, samples.hundredThousand),
  ];
}

/** A server of its own for each, which has dispatched before. */
function growthOf(
  bench: Bench,
  upstream: Listening<Upstream>,
  uploaders: Uploaders,
  size: keyof Uploaders,
  batches: number,
): Variant<Sample> {
  return async () => {
    const server = await startServerUnderTest(bench, upstream.port, { concurrency: CONCURRENCY });
    for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) {
      const { batchId } = await uploaders.small.ask('upload', server.port);
      await batchEnd(server.port, batchId ?? '', SMALL);
    }
    const { batchId: largeId } = await uploaders.large.ask('upload', server.port);
    await batchEnd(server.port, largeId ?? '', LARGE);
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const { pid } = server.process;
    resetPeak(pid);
    const { resident } = readMemory(pid);
    await upstream.process.ask('forget');
    const made: string[] = [];
    for (let batch = 0; batch < batches; batch++) {
      made.push((await uploaders[size].ask('upload', server.port)).batchId ?? '');
    }
    const ends: number[] = [];
    for (const id of made) ends.push(await batchEnd(server.port, id, size === 'small' ? SMALL : LARGE));
    const { firstCallMs } = await upstream.process.ask('tally');
    const { peak } = readMemory(pid);
    await server.process.leave();
    return { seconds: (Math.max(...ends) - firstCallMs) / 1000, peakBytes: peak - resident };
  };
}

function rows(what: string, added: number, larger: readonly Sample[], smaller: readonly Sample[]): readonly Row[] {
  const seconds = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.seconds);
  const bytesEach = larger.map(({ peakBytes }, round) => (peakBytes - (smaller[round]?.peakBytes ?? 0)) / added);
  return [
    {
      id: 'P13',
      figure: `dispatch from ${what} requests, time`,
      unit: 's',
      value: spreadOf(seconds(larger)),
      baseline: { name: 'a tenth', unit: 's', value: spreadOf(seconds(smaller)) },
      ratio: pairedRatio(seconds(larger), seconds(smaller)),
      goal: atMost('ratio', 11),
    },
    {
      id: 'P13',
      figure: `dispatch from ${what} requests, peak memory of each added`,
      unit: 'B',
      value: spreadOf(bytesEach),
      baseline: null,
      ratio: null,
      goal: atMost('value', 48),
    },
  ];
}
