import type { Bench } from '../measure/figure.ts';
import type { BenchProcess, StartTerms } from '../processes/bench-processes.ts';
import type { Server, ServerOptions } from '../processes/server.ts';
import type { Upstream, UpstreamOptions } from '../processes/upstream.ts';
import type { Uploader } from '../processes/uploader.ts';
import type { BodyKind } from '../processes/request-bodies.ts';

/** A process together with the port it listens on. */
export interface Listening<Own extends Server | Upstream> {
  readonly process: BenchProcess<Own>;
  readonly port: number;
}

/** Starts an upstream and waits until it listens. */
export async function startUpstream(bench: Bench, options: UpstreamOptions): Promise<Listening<Upstream>> {
  const process = bench.processes.start<Upstream>('upstream', options);
  return { process, port: await process.ask('port') };
}

/** An upstream that takes calls and answers none, so that nothing but what is measured goes on. */
export function startSilentUpstream(bench: Bench): Promise<Listening<Upstream>> {
  return startUpstream(bench, { answerBytes: 600, silent: true });
}

/** Starts the server on a data directory of its own and waits until it listens. */
export async function startServerUnderTest(
  bench: Bench,
  upstreamPort: number,
  options: Partial<ServerOptions> & { readonly concurrency: number },
  terms: StartTerms = {},
): Promise<Listening<Server>> {
  const process = bench.processes.start<Server>(
    'server',
    {
      dataDirectory: options.dataDirectory ?? bench.makeDirectory('data'),
      upstreamUrl: `http://127.0.0.1:${upstreamPort}`,
      ...options,
    },
    terms,
  );
  return { process, port: await process.ask('port') };
}

/** Starts a client that holds a body of this kind in memory. */
export function startUploader(bench: Bench, kind: BodyKind, count: number): BenchProcess<Uploader> {
  return bench.processes.start<Uploader>('uploader', { kind, count });
}
