import type { Tally, Upstream } from '../processes/upstream.ts';
import type { Listening } from './server-under-test.ts';

const LOOK_MS = 10;

/** Waits until an upstream has answered so many calls since it last forgot; answers its tally of that moment. */
export async function answeredAtLeast({ process }: Listening<Upstream>, calls: number): Promise<Tally> {
  for (;;) {
    const tally = await process.ask('tally');
    if (tally.answered >= calls) return tally;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Answers a second between two tallies, by the upstream's own count and clock. */
export function answersPerSecond(before: Tally, after: Tally): number {
  return (after.answered - before.answered) / ((after.atMs - before.atMs) / 1000);
}
