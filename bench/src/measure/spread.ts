/** What repeated measurements of one thing came to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and extremes of at least one value. The median of an even number of values is the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new Error('A spread of no values was asked for.');
  return { median: quantile(sorted, 0.5), min, max };
}

/** The value below which a share of the sorted values lies, interpolated. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error('A quantile of no values was asked for.');
  return below + (above - below) * (position - Math.floor(position));
}

/** Ratios round by round: what disturbed one round disturbed both of its sides. */
export function pairedRatio(values: readonly number[], baselines: readonly number[]): Spread {
  return spreadOf(
    values.map((value, round) => {
      const baseline = baselines[round];
      if (baseline === undefined) throw new Error(`Round ${round} has no baseline.`);
      return value / baseline;
    }),
  );
}
