import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Steps } from '@batchwright/core';

/** Looks in one turn of the event loop: two milliseconds of planning or so. Small batches are planned in one turn. */
const TURN_LOOKS = 32_768;

/** Reckons step by step, and lets everybody else have a turn in between. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  let looked = 0;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    looked += step.value;
    if (looked < TURN_LOOKS) continue;
    looked = 0;
    await nextTurn();
  }
}
