import { type Bench, type Figure, type Row } from '../measure/figure.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Downloader } from '../processes/downloader.ts';
import type { Server } from '../processes/server.ts';
import type { Uploader } from '../processes/uploader.ts';
import type { Upstream } from '../processes/upstream.ts';
import { batchEnd, cancelBatch } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream, type Listening } from './server-under-test.ts';
import { answeredAtLeast, answersPerSecond } from './upstream-pace.ts';

/**
 * What running batches, an upload and a download take from each other: each alone and beside the batches, on one server.
 * One thread does it all, and the upstream and the clients want processors too, so that something must give; what is
 * shown is who, and how long the event loop was held.
 */
export const sideBySide: Figure = {
  name: 'side by side',
  ids: ['X3', 'X7'],
  limitSeconds: 400,
  run: measure,
};

const REQUESTS = 100_000;
/** Batches of so many that run, in turns: one alone could end before what is to run beside it. */
const BATCHES = 4;
/** How much of them is measured when they run alone. */
const ALONE = 20_000;
const RESULTS = 2000;
const RESULT_BYTES = 524_288;

interface Sample {
  /** Of the upload or the download; 0 where there is none. */
  readonly bytesPerSecond: number;
  /** Of the batch; 0 where none runs. */
  readonly requestsPerSecond: number;
  readonly stallMs: number;
}

type Name = 'dispatch' | 'intake' | 'download' | 'intakeBeside' | 'downloadBeside';
/** Answers the rate of what ran, in bytes a second; is told how many calls were answered before. */
type Action = (answered: number) => Promise<number>;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const dataDirectory = bench.makeDirectory('data');
  const path = await storeResults(bench, dataDirectory);
  const upstream = await startUpstream(bench, { answerBytes: 600 });
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: 256, dataDirectory });
  const uploader = startUploader(bench, 'prose', REQUESTS);
  const downloader = bench.processes.start<Downloader>('downloader', {});
  const intake = uploadThenCancel(uploader, server.port);
  const download = downloadOf(downloader, server.port, path);
  const beside = (action: Action): Variant<Sample> => besideBatches(uploader, upstream, server, action);
  // Once each unmeasured: first calls compile.
  await beside(intake)(0);
  await download(0);
  const samples = await roundRobin<Name, Sample>(bench.rounds, {
    dispatch: beside(async (answered) => {
      await answeredAtLeast(upstream, answered + ALONE);
      return 0;
    }),
    intake: alone(server, intake),
    download: alone(server, download),
    intakeBeside: beside(intake),
    downloadBeside: beside(download),
  });
  return [
    ...rows('X3', 'intake of 255 MB', samples.intakeBeside, samples.intake, samples.dispatch),
    ...rows('X7', 'download of 1 GB of results', samples.downloadBeside, samples.download, samples.dispatch),
  ];
}

/** A gigabyte of results that a batch really made; answers where to download it. */
async function storeResults(bench: Bench, dataDirectory: string): Promise<string> {
  const upstream = await startUpstream(bench, { answerBytes: RESULT_BYTES });
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: 16, dataDirectory });
  const { batchId } = await startUploader(bench, 'tiny', RESULTS).ask('upload', server.port);
  await batchEnd(server.port, batchId ?? '', RESULTS);
  await server.process.leave();
  return `/v1/messages/batches/${batchId ?? ''}/results`;
}

/** The rate of an upload. Its batch goes at once, or its requests would be next. */
function uploadThenCancel(uploader: BenchProcess<Uploader>, port: number): Action {
  return async () => {
    const { bytes, seconds, batchId } = await uploader.ask('upload', port);
    void cancelBatch(port, batchId ?? '').catch(() => {});
    return bytes / seconds;
  };
}

function downloadOf(downloader: BenchProcess<Downloader>, port: number, path: string): Action {
  return async () => {
    const { bytes, seconds } = await downloader.ask('download', { port, path, connections: 1 });
    if (bytes < RESULTS * RESULT_BYTES) throw new Error(`only ${bytes} bytes of results arrived`);
    return bytes / seconds;
  };
}

function alone(server: Listening<Server>, action: Action): Variant<Sample> {
  return async () => {
    await server.process.ask('watchEventLoop');
    const bytesPerSecond = await action(0);
    return { bytesPerSecond, requestsPerSecond: 0, stallMs: await server.process.ask('longestStallMs') };
  };
}

function besideBatches(
  uploader: BenchProcess<Uploader>,
  upstream: Listening<Upstream>,
  server: Listening<Server>,
  action: Action,
): Variant<Sample> {
  return async () => {
    await upstream.process.ask('forget');
    const running: string[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      const { batchId } = await uploader.ask('upload', server.port);
      running.push(batchId ?? '');
    }
    await server.process.ask('watchEventLoop');
    const before = await upstream.process.ask('tally');
    const bytesPerSecond = await action(before.answered);
    const after = await upstream.process.ask('tally');
    const stallMs = await server.process.ask('longestStallMs');
    if (after.answered >= BATCHES * REQUESTS) throw new Error('the batches ended before what was to run beside them');
    for (const batchId of running) await cancelBatch(server.port, batchId);
    return { bytesPerSecond, requestsPerSecond: answersPerSecond(before, after), stallMs };
  };
}

function rows(
  id: string,
  what: string,
  beside: readonly Sample[],
  itself: readonly Sample[],
  dispatch: readonly Sample[],
): readonly Row[] {
  const megabytes = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.bytesPerSecond / 1e6);
  const requests = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.requestsPerSecond);
  const stalls = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.stallMs);
  const row = (figure: string, unit: string, name: string, values: number[], baselines: number[]): Row => ({
    id,
    figure,
    unit,
    value: spreadOf(values),
    baseline: { name, unit, value: spreadOf(baselines) },
    ratio: pairedRatio(values, baselines),
    goal: null,
  });
  return [
    row(`${what}, beside running batches`, 'MB/s', 'alone', megabytes(beside), megabytes(itself)),
    row('those batches meanwhile', 'req/s', 'alone', requests(beside), requests(dispatch)),
    row('longest event-loop stall meanwhile', 'ms', 'the batches alone', stalls(beside), stalls(dispatch)),
  ];
}
