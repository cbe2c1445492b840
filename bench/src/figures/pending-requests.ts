import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory } from '../measure/process-memory.ts';
import { roundRobin } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { Upstream } from '../processes/upstream.ts';
import { API_KEY } from '../processes/wire.ts';
import { exitOf, serveByCommand } from './served-command.ts';
import { startServerUnderTest, startSilentUpstream, startUploader, type Listening } from './server-under-test.ts';

/** A million requests that wait: what each costs in memory, and what taking them up again adds to a start. */
export const pendingRequests: Figure = {
  name: 'pending requests',
  ids: ['P9', 'P10'],
  limitSeconds: 500,
  run: measure,
};

const BATCHES = 10;
const REQUESTS = 100_000;
const PENDING = BATCHES * REQUESTS;
const LOOK_MS = 20;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startSilentUpstream(bench);
  return [
    ...(bench.wants('P9') ? [await pendingMemory(bench, upstream)] : []),
    ...(bench.wants('P10') ? await recovery(bench, upstream) : []),
  ];
}

/** The first batch pays for what every upload shares; the ten after it are what is counted. */
async function pendingMemory(bench: Bench, upstream: Listening<Upstream>): Promise<Row> {
  const uploader = startUploader(bench, 'tiny', REQUESTS);
  const bytesEach: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const server = await startServerUnderTest(bench, upstream.port, { concurrency: 64 }, { flags: ['--expose-gc'] });
    await uploader.ask('upload', server.port);
    await server.process.ask('collectGarbage');
    const before = readMemory(server.process.pid).resident;
    for (let batch = 0; batch < BATCHES; batch++) await uploader.ask('upload', server.port);
    await server.process.ask('collectGarbage');
    bytesEach.push((readMemory(server.process.pid).resident - before) / PENDING);
    await server.process.kill();
  }
  return {
    id: 'P9',
    figure: 'memory of a pending request, a million of them',
    unit: 'B',
    value: spreadOf(bytesEach),
    baseline: null,
    ratio: null,
    goal: atMost('value', 48),
  };
}

/**
 * Starts on a data directory with ten batches, each half done when its server was killed, against an empty one: by the
 * command users run, until its first words, which it says when all batches are taken up. (Until 21 November 2026 it was a
 * process of the bench's own, on modules as the compiler writes them, which nobody starts.)
 */
async function recovery(bench: Bench, upstream: Listening<Upstream>): Promise<readonly Row[]> {
  const dataDirectory = await halfDone(bench, upstream);
  // The same upstream as the killed server's, with one call at most: it answers none.
  const options = ['--upstream', `http://127.0.0.1:${upstream.port}`, '--concurrency', '1', '--api-key', API_KEY];
  const start = async (directory: string): Promise<number> => {
    const isCold = forgetFiles(directory);
    const { child, milliseconds } = await serveByCommand(bench, directory, options);
    // As a power cut would, so that every round finds the same.
    child.kill('SIGKILL');
    await exitOf(child);
    return isCold ? milliseconds : Number.NaN;
  };
  const empty = bench.makeDirectory('empty');
  await start(empty);
  const samples = await roundRobin<'full' | 'empty', number>(bench.rounds, {
    full: () => start(dataDirectory),
    empty: () => start(empty),
  });
  if (samples.full.some(Number.isNaN))
    throw new Error('files cannot be dropped from the cache here (dd iflag=nocache)');
  const added = samples.full.map((milliseconds, round) => milliseconds - (samples.empty[round] ?? 0));
  return [
    {
      id: 'P10',
      figure: 'recovery of a million requests, half done, cold',
      unit: 'ms',
      value: spreadOf(added),
      baseline: null,
      ratio: null,
      goal: atMost('value', 150),
    },
    {
      id: 'P10',
      figure: 'start with them against an empty start',
      unit: 'ms',
      value: spreadOf(samples.full),
      baseline: { name: 'nothing stored', unit: 'ms', value: spreadOf(samples.empty) },
      ratio: pairedRatio(samples.full, samples.empty),
      goal: null,
    },
  ];
}

/** Batches take turns, so that when half of all requests were answered each batch is half done. */
async function halfDone(bench: Bench, upstream: Listening<Upstream>): Promise<string> {
  const dataDirectory = bench.makeDirectory('half-done');
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: 256, dataDirectory });
  const uploader = startUploader(bench, 'tiny', REQUESTS);
  for (let batch = 0; batch < BATCHES; batch++) await uploader.ask('upload', server.port);
  await upstream.process.ask('forget');
  await upstream.process.ask('answerSome', PENDING / 2);
  while ((await upstream.process.ask('tally')).answered < PENDING / 2) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  await server.process.kill();
  return dataDirectory;
}

/** Drops a directory's files from the page cache; false where that is not possible. */
function forgetFiles(directory: string): boolean {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .every((path) => {
      // POSIX_FADV_DONTNEED on the whole file, after its pages were written. Node has no call for it.
      const { status } = spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
      return status === 0;
    });
}
