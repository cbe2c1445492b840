/**
 * Long reckoning in steps, for whoever has other things to do meanwhile: between two of them nothing is half done. Each
 * tells how much it did, in looks at one request, block or prefix. However the steps are spread, the result is the same.
 */
export type Steps<Result> = Generator<number, Result, void>;

/** All steps at once. */
export function finishSteps<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Looks that make one step, where there are more of them. */
const SLICE = 8192;

/** Looks at each number below `count` in turn, each look being worth `weight`. */
export function* lookInSteps(count: number, weight: number, look: (index: number) => void): Steps<void> {
  const slice = Math.max(1, Math.floor(SLICE / weight));
  for (let from = 0; from < count; from += slice) {
    const to = Math.min(count, from + slice);
    for (let index = from; index < to; index++) look(index);
    yield (to - from) * weight;
  }
}
