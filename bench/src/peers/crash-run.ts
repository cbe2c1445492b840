import type { BenchProcess } from '../processes/bench-processes.ts';
import type { Upstream } from '../processes/upstream.ts';
import { keptResults } from './kept-results.ts';
import { REQUESTS } from './peer-requests.ts';
import type { Peer } from './peer.ts';
import { startPeer, type PeerTerms, type StartedPeer } from './started-peer.ts';

/** What a kill -9 half way leaves, and what it takes to finish. */
export interface CrashRun {
  /** Answers that the upstream had given. */
  readonly answered: number;
  /** Results that were still there. */
  readonly kept: number;
  /** Calls beyond one a request, over both starts: what is paid twice. */
  readonly repeated: number;
  /** From the second start to the last result. */
  readonly secondsToFinish: number;
}

const LOOK_MS = 2;

/** Kills a peer when half of its requests were answered, and starts it again on what it left. */
export async function crashRun(peer: Peer, terms: PeerTerms, upstream: BenchProcess<Upstream>): Promise<CrashRun> {
  await upstream.ask('forget');
  const first = startPeer(peer, terms);
  await halfAnswered(upstream, first);
  const { store } = terms;
  const diesToo = store?.startAgain ?? null;
  await Promise.all([killed(first.child), ...(store !== null && diesToo !== null ? [killed(store.child)] : [])]);
  const { answered } = await upstream.ask('tally');
  const kept = keptResults(terms.directory, store);
  const startedMs = performance.now();
  const revived = diesToo === null ? store : await diesToo();
  const second = startPeer(peer, { ...terms, store: revived });
  try {
    await second.done;
    const secondsToFinish = (performance.now() - startedMs) / 1000;
    const atTheEnd = keptResults(terms.directory, revived);
    if (atTheEnd !== REQUESTS) throw new Error(`${atTheEnd} results of ${REQUESTS} requests after the crash`);
    const { called } = await upstream.ask('tally');
    return { answered, kept, repeated: called - REQUESTS, secondsToFinish };
  } finally {
    second.child.kill();
    if (revived !== store) await revived?.stop();
  }
}

async function halfAnswered(upstream: BenchProcess<Upstream>, { child, done }: StartedPeer): Promise<void> {
  while ((await upstream.ask('tally')).answered < REQUESTS / 2) {
    if (child.exitCode !== null) await done;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function killed(child: StartedPeer['child']): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
