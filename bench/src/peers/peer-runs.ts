import { linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchProcess, BenchProcesses } from '../processes/bench-processes.ts';
import type { Upstream, UpstreamOptions } from '../processes/upstream.ts';
import type { Peer } from './peer.ts';
import type { PeerTerms } from './started-peer.ts';
import { startStore } from './stores.ts';

/** Of one run, its store's start and a crash included. */
const LIMIT_MS = 150_000;

/** An upstream in a process of its own. */
export interface ListeningUpstream {
  readonly process: BenchProcess<Upstream>;
  readonly url: string;
}

/** Gives each run its directory, its requests and its store, and takes them away again. */
export class PeerRuns {
  readonly #processes: BenchProcesses;
  readonly #scratch: string;
  readonly #packages: string;
  #runs = 0;

  /** `scratch` holds `requests.jsonl`; Debian packages are unpacked in `packages`, and kept. */
  constructor(processes: BenchProcesses, scratch: string, packages: string) {
    this.#processes = processes;
    this.#scratch = scratch;
    this.#packages = packages;
  }

  async startUpstream(options: UpstreamOptions): Promise<ListeningUpstream> {
    const upstream = this.#processes.start<Upstream>('upstream', options);
    return { process: upstream, url: `http://127.0.0.1:${await upstream.ask('port')}` };
  }

  /** Lets `run` have a peer's terms, within the limit. */
  async measure<Result>(
    peer: Peer,
    upstream: ListeningUpstream,
    run: (terms: PeerTerms) => Promise<Result>,
  ): Promise<Result> {
    const directory = this.#makeDirectory(peer.id);
    linkSync(join(this.#scratch, 'requests.jsonl'), join(directory, 'requests.jsonl'));
    const store =
      peer.store === null
        ? null
        : await startStore(peer.store, {
            processes: this.#processes,
            makeDirectory: (name) => this.#makeDirectory(name),
            packages: this.#packages,
            upstreamUrl: upstream.url,
          });
    try {
      return await within(run({ processes: this.#processes, directory, upstreamUrl: upstream.url, store }));
    } finally {
      await store?.stop();
    }
  }

  #makeDirectory(name: string): string {
    const directory = join(this.#scratch, `${name}-${++this.#runs}`);
    mkdirSync(directory);
    return directory;
  }
}

async function within<Result>(running: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  try {
    return await Promise.race([running, limit]);
  } finally {
    clearTimeout(timer);
    // When the limit came first, the run fails a moment later, and everybody knows why.
    running.catch(() => {});
  }
}
