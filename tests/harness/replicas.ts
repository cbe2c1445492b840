import { systemClock } from '@batchwright/core';
import { createSimulator, serveSimulator, type ServedSimulator, type Simulator } from '@batchwright/simulator';

/** A simulated upstream with a cache of its own behind an address of its own, as one of several would be. */
export interface Replica {
  readonly url: string;
  readonly simulator: Simulator;
  /** Nobody listens at the address any more; calls under way break off. */
  goDown(): Promise<void>;
  /** Somebody does again, with what was cached before. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Fast, since all of this is real time, and yet slow enough for calls to be under way together. */
const PROFILE = { baseTtftMs: 2, prefillTokensPerSecond: 1e6, decodeTokensPerSecond: 10_000 };

/** Starts a replica that, as engines do, lets calls share what another has begun to read. */
export async function startReplica(): Promise<Replica> {
  const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
  const simulator = createSimulator({ clock, seed: 1, profile: PROFILE, cache: { visibility: 'allocation' } });
  let served: ServedSimulator | null = await serveSimulator(simulator, { host: HOST, port: 0, clock });
  const { url } = served;
  const goDown = async (): Promise<void> => {
    await served?.close();
    served = null;
  };
  return {
    url,
    simulator,
    goDown,
    comeBack: async () => {
      served = await serveSimulator(simulator, { host: HOST, port: Number(new URL(url).port), clock });
    },
    close: goDown,
  };
}
