import { linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BenchProcesses, type BenchProcess } from '../processes/bench-processes.ts';
import type { Upstream, UpstreamOptions } from '../processes/upstream.ts';
import type { Peer } from './peer.ts';
import type { PeerTerms } from './started-peer.ts';
import { startStore, type RunningStore, type StoreSources } from './stores.ts';

/** Of one run, its store's start and a crash included. */
const LIMIT_MS = 240_000;

/** An upstream in a process of its own. */
export interface ListeningUpstream {
  readonly process: BenchProcess<Upstream>;
  readonly url: string;
}

/**
 * Gives each run its directory, its requests, its store and its processes, and takes them away again: a run that hangs
 * leaves nothing behind that would slow the next.
 */
export class PeerRuns {
  readonly #upstreams = new BenchProcesses();
  #running = new BenchProcesses();
  #current: Promise<void> = Promise.resolve();
  #isOver = false;
  readonly #scratch: string;
  readonly #packages: string;
  readonly #versions = new Set<string>();
  #runs = 0;

  /** `scratch` holds `requests.jsonl`; Debian packages are unpacked in `packages`, and kept. */
  constructor(scratch: string, packages: string) {
    this.#scratch = scratch;
    this.#packages = packages;
  }

  /** Of the databases that were started. */
  get versions(): readonly string[] {
    return [...this.#versions].toSorted();
  }

  async startUpstream(options: UpstreamOptions): Promise<ListeningUpstream> {
    const upstream = this.#upstreams.start<Upstream>('upstream', options);
    return { process: upstream, url: `http://127.0.0.1:${await upstream.ask('port')}` };
  }

  /** Lets `run` have a peer's terms, within the limit. */
  measure<Result>(
    peer: Peer,
    upstream: ListeningUpstream,
    run: (terms: PeerTerms) => Promise<Result>,
  ): Promise<Result> {
    const measuring = this.#measure(peer, upstream, run);
    this.#current = measuring.then(
      () => {},
      () => {},
    );
    return measuring;
  }

  /** Ends whatever runs, and begins nothing any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running.endAll();
    await this.#current;
    await this.#upstreams.endAll();
  }

  async #measure<Result>(
    peer: Peer,
    upstream: ListeningUpstream,
    run: (terms: PeerTerms) => Promise<Result>,
  ): Promise<Result> {
    const processes = (this.#running = new BenchProcesses());
    const directory = this.#makeDirectory(peer.id);
    linkSync(join(this.#scratch, 'requests.jsonl'), join(directory, 'requests.jsonl'));
    let store: RunningStore | null = null;
    try {
      this.#goOn();
      store = peer.store === null ? null : await startStore(peer.store, this.#sources(processes, upstream.url));
      this.#goOn();
      if (typeof store?.version === 'string') this.#versions.add(store.version);
      return await within(run({ processes, directory, upstreamUrl: upstream.url, store }));
    } finally {
      await processes.endAll();
      await store?.stop();
    }
  }

  #goOn(): void {
    if (this.#isOver) throw new Error('the comparison was ended');
  }

  #sources(processes: BenchProcesses, upstreamUrl: string): StoreSources {
    const makeDirectory = (name: string): string => this.#makeDirectory(name);
    return { processes, makeDirectory, packages: this.#packages, upstreamUrl };
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
