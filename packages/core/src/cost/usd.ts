const NANO = 1_000_000_000;
const DECIMALS = 9;
/** Cents are always written. */
const FEWEST_DECIMALS = 2;

/** An amount in dollars, exact: `0.0095184`, `535.95`. Nano-dollars are whole numbers, so nothing is rounded. */
export function usdOf(nanoUsd: number): string {
  const amount = Math.abs(nanoUsd);
  const decimals = String(amount % NANO)
    .padStart(DECIMALS, '0')
    .replace(/0+$/, '')
    .padEnd(FEWEST_DECIMALS, '0');
  return `${nanoUsd < 0 ? '-' : ''}${Math.floor(amount / NANO)}.${decimals}`;
}

/** An amount in dollars as people write it, a number or a decimal with at most nine places; null when it is none above 0. */
export function nanoUsdOf(value: unknown): number | null {
  const text = typeof value === 'number' ? value.toFixed(DECIMALS) : value;
  if (typeof text !== 'string' || !/^\d{1,8}(?:\.\d{1,9})?$/.test(text)) return null;
  if (typeof value === 'number' && Number(text) !== value) return null;
  const [dollars = '', decimals = ''] = text.split('.');
  const nanoUsd = Number(dollars) * NANO + Number(decimals.padEnd(DECIMALS, '0'));
  return nanoUsd > 0 && Number.isSafeInteger(nanoUsd) ? nanoUsd : null;
}
