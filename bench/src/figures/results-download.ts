import { spawnSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { atLeast, atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory, resetPeak } from '../measure/process-memory.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Downloader } from '../processes/downloader.ts';
import type { PipeServer } from '../processes/pipe-server.ts';
import type { Server } from '../processes/server.ts';
import { batchEnd } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream, type Listening } from './server-under-test.ts';

/** Download of a gigabyte of results that a batch really made, from a warm file cache. */
export const resultsDownload: Figure = {
  name: 'results download',
  ids: ['P8'],
  limitSeconds: 300,
  run: measure,
};

const REQUESTS = 2000;
const ANSWER_BYTES = 524_288;
const TOGETHER = 8;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const upstream = await startUpstream(bench, { answerBytes: ANSWER_BYTES });
  const dataDirectory = bench.makeDirectory('data');
  const server = await startServerUnderTest(bench, upstream.port, { concurrency: 16, dataDirectory });
  const { batchId } = await startUploader(bench, 'tiny', REQUESTS).ask('upload', server.port);
  await batchEnd(server.port, batchId ?? '', REQUESTS);

  const downloader = bench.processes.start<Downloader>('downloader', {});
  const path = `/v1/messages/batches/${batchId ?? ''}/results`;
  const file = findResults(dataDirectory);
  const pipe = bench.processes.start<PipeServer>('pipe-server', { file });
  const nginxPort = await startNginx(bench, file);
  const from = (port: number, target = path): Variant<number> => downloadRate(downloader, port, target);
  await from(server.port)(0);
  const rates = await roundRobin<'server' | 'pipe' | 'nginx', number>(bench.rounds, {
    server: from(server.port),
    pipe: from(await pipe.ask('port')),
    nginx: nginxPort === null ? async () => 0 : from(nginxPort, '/results.jsonl'),
  });
  await server.process.leave();
  const memory: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const fresh = await startServerUnderTest(bench, upstream.port, { concurrency: 16, dataDirectory });
    memory.push(await memoryEach(downloader, fresh, path));
    await fresh.process.leave();
  }
  return rows(rates, memory, nginxPort !== null);
}

function downloadRate(downloader: BenchProcess<Downloader>, port: number, path: string): Variant<number> {
  return async () => {
    const { bytes, seconds } = await downloader.ask('download', { port, path, connections: 1 });
    if (bytes < REQUESTS * ANSWER_BYTES) throw new Error(`only ${bytes} bytes of results arrived`);
    return bytes / 1e9 / seconds;
  };
}

/**
 * Megabytes that each of several downloads at once adds to a server that did nothing before. One that already served some
 * keeps their freed memory, and further downloads would seem to cost nothing.
 */
async function memoryEach(
  downloader: BenchProcess<Downloader>,
  server: Listening<Server>,
  path: string,
): Promise<number> {
  const { pid } = server.process;
  resetPeak(pid);
  const before = readMemory(pid).resident;
  await downloader.ask('download', { port: server.port, path, connections: TOGETHER });
  return (readMemory(pid).peak - before) / TOGETHER / 1e6;
}

/** The largest file that the server keeps is the results log. */
function findResults(dataDirectory: string): string {
  const files = readdirSync(dataDirectory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dataDirectory, name))
    .filter((path) => path.endsWith('.jsonl'));
  const [largest] = files.sort((a, b) => statSync(b).size - statSync(a).size);
  if (largest === undefined) throw new Error(`no results in ${dataDirectory}`);
  return largest;
}

/** Serves the file by sendfile, where nginx is installed; null elsewhere. */
async function startNginx(bench: Bench, file: string): Promise<number | null> {
  if (spawnSync('nginx', ['-v']).error !== undefined) return null;
  const directory = bench.makeDirectory('nginx');
  const port = await freePort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log; events {}
    http { access_log off; sendfile on; client_body_temp_path ${directory}; proxy_temp_path ${directory};
      fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
      server { listen 127.0.0.1:${port}; location = /results.jsonl { alias ${file}; } } }`,
  );
  bench.processes.spawn('nginx', ['-p', directory, '-c', config]);
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await accepts(port)) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('nginx did not start');
}

async function accepts(port: number): Promise<boolean> {
  const { connectTo } = await import('../processes/wire.ts');
  return connectTo(port).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function rows(
  { server, pipe, nginx }: Readonly<Record<'server' | 'pipe' | 'nginx', readonly number[]>>,
  memory: readonly number[],
  hasNginx: boolean,
): readonly Row[] {
  const row = (figure: string, name: string, baseline: readonly number[], bound: number): Row => ({
    id: 'P8',
    figure,
    unit: 'GB/s',
    value: spreadOf(server),
    baseline: { name, unit: 'GB/s', value: spreadOf(baseline) },
    ratio: pairedRatio(server, baseline),
    goal: atLeast('ratio', bound),
  });
  return [
    row('download of 1 GB of results', 'createReadStream(1 MB).pipe', pipe, 1.5),
    ...(hasNginx ? [row('the same against nginx', 'nginx, sendfile', nginx, 0.9)] : []),
    {
      id: 'P8',
      figure: 'memory of each of eight downloads at once',
      unit: 'MB',
      value: spreadOf(memory),
      baseline: null,
      ratio: null,
      goal: atMost('value', 4),
    },
  ];
}
