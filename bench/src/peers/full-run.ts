import { keptResults } from './kept-results.ts';
import { REQUESTS } from './peer-requests.ts';
import type { Peer } from './peer.ts';
import { ProcessFamily } from './process-family.ts';
import { startPeer, type PeerTerms } from './started-peer.ts';

/** What ten thousand requests took, from the first of them added to the last result stored. */
export interface FullRun {
  readonly perSecond: number;
  /** Microseconds of processor time per request. */
  readonly cpu: Parts;
  /** Peak, in megabytes. */
  readonly memory: Parts;
}

/** The peer's own process, and what runs beside it. */
export interface Parts {
  readonly own: number;
  readonly beside: number;
}

/** Lets a peer send everything once, undisturbed. */
export async function fullRun(peer: Peer, terms: PeerTerms): Promise<FullRun> {
  const started = startPeer(peer, terms);
  const own = new ProcessFamily(started.child.pid ?? 0);
  const beside = terms.store === null ? null : new ProcessFamily(terms.store.child.pid ?? 0);
  try {
    await started.ready;
    const startedMs = performance.now();
    const usedBefore = used(own, beside);
    await started.done;
    const seconds = (performance.now() - startedMs) / 1000;
    const usedAfter = used(own, beside);
    const kept = keptResults(terms.directory, terms.store);
    if (kept !== REQUESTS) throw new Error(`${kept} results of ${REQUESTS} requests`);
    const each = (after: number, before: number): number => ((after - before) * 1e6) / REQUESTS;
    return {
      perSecond: REQUESTS / seconds,
      cpu: { own: each(usedAfter.own, usedBefore.own), beside: each(usedAfter.beside, usedBefore.beside) },
      memory: { own: own.peakBytes / 1e6, beside: (beside?.peakBytes ?? 0) / 1e6 },
    };
  } finally {
    own.stop();
    beside?.stop();
    started.child.kill();
  }
}

function used(own: ProcessFamily, beside: ProcessFamily | null): Parts {
  return { own: own.cpuSeconds, beside: beside?.cpuSeconds ?? 0 };
}
