const NANO = 1_000_000_000;
/** Cents are always written. */
const FEWEST_DECIMALS = 2;

/** An amount in dollars, exact: `0.0095184`, `535.95`. Nano-dollars are whole numbers, so nothing is rounded. */
export function usdOf(nanoUsd: number): string {
  const amount = Math.abs(nanoUsd);
  const decimals = String(amount % NANO)
    .padStart(9, '0')
    .replace(/0+$/, '')
    .padEnd(FEWEST_DECIMALS, '0');
  return `${nanoUsd < 0 ? '-' : ''}${Math.floor(amount / NANO)}.${decimals}`;
}
