import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Server } from '../processes/server.ts';
import type { Uploader } from '../processes/uploader.ts';
import type { Upstream } from '../processes/upstream.ts';
import { batchEnd } from './batch-api.ts';
import { startServerUnderTest, startUploader, startUpstream, type Listening } from './server-under-test.ts';

/**
 * Dispatch over TLS beside the same dispatch in the clear: 256 connections that are kept, a certificate of our own. The
 * upstream pays for TLS as well, on the same processors, so that processor time says more than the rate does.
 */
export const tlsDispatch: Figure = {
  name: 'dispatch over TLS',
  ids: ['X1'],
  limitSeconds: 240,
  run: measure,
};

const REQUESTS = 30_000;
const WARM_UP_REQUESTS = 3000;
const CONCURRENCY = 256;

interface Sample {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const { key, cert, certFile } = makeCertificate(bench.makeDirectory('certificate'));
  const plain = await startUpstream(bench, { answerBytes: 600 });
  const secure = await startUpstream(bench, { answerBytes: 600, tls: { key, cert } });
  const options = { concurrency: CONCURRENCY };
  const plainServer = await startServerUnderTest(bench, plain.port, options);
  const secureServer = await startServerUnderTest(
    bench,
    secure.port,
    { ...options, upstreamUrl: `https://127.0.0.1:${secure.port}` },
    { env: { NODE_EXTRA_CA_CERTS: certFile } },
  );
  const [warmUp, uploader] = [WARM_UP_REQUESTS, REQUESTS].map((count) => startUploader(bench, 'prose', count)) as [
    BenchProcess<Uploader>,
    BenchProcess<Uploader>,
  ];
  for (const { port } of [plainServer, secureServer]) {
    const { batchId } = await warmUp.ask('upload', port);
    await batchEnd(port, batchId ?? '', WARM_UP_REQUESTS);
  }
  const samples = await roundRobin<'plain' | 'tls', Sample>(bench.rounds, {
    plain: dispatchOf(uploader, plain, plainServer),
    tls: dispatchOf(uploader, secure, secureServer),
  });
  return rows(samples);
}

function dispatchOf(
  uploader: BenchProcess<Uploader>,
  upstream: Listening<Upstream>,
  server: Listening<Server>,
): Variant<Sample> {
  return async () => {
    await upstream.process.ask('forget');
    const usedBefore = await server.process.ask('usage');
    const { batchId } = await uploader.ask('upload', server.port);
    const endedMs = await batchEnd(server.port, batchId ?? '', REQUESTS);
    const used = (await server.process.ask('usage')) - usedBefore;
    const { firstCallMs } = await upstream.process.ask('tally');
    return { perSecond: REQUESTS / ((endedMs - firstCallMs) / 1000), cpuMicroseconds: used / REQUESTS };
  };
}

/** A certificate for 127.0.0.1 that lasts a day. Node makes none, so that openssl has to be there. */
function makeCertificate(directory: string): {
  readonly key: string;
  readonly cert: string;
  readonly certFile: string;
} {
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  const { status, error, stderr } = spawnSync('openssl', ['req', '-x509', ...kind, ...name, ...files]);
  if (status !== 0) throw new Error(`openssl made no certificate: ${error?.message ?? stderr.toString('utf8')}`);
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile };
}

function rows({ plain, tls }: Readonly<Record<'plain' | 'tls', readonly Sample[]>>): readonly Row[] {
  const row = (figure: string, unit: string, of: (sample: Sample) => number, goal: Row['goal']): Row => ({
    id: 'X1',
    figure,
    unit,
    value: spreadOf(tls.map(of)),
    baseline: { name: 'the same in the clear', unit, value: spreadOf(plain.map(of)) },
    ratio: pairedRatio(tls.map(of), plain.map(of)),
    goal,
  });
  return [
    row('processor time per request, upstream over TLS', 'µs', (sample) => sample.cpuMicroseconds, atMost('value', 70)),
    row('dispatch over TLS, 256 in flight', 'req/s', (sample) => sample.perSecond, null),
  ];
}
