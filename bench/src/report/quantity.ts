import type { Spread } from '../measure/spread.ts';

const THIN_SPACE = ' ';

/** A number with three figures that matter, thousands apart. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const digits = Math.max(0, 2 - magnitude);
  const fixed = value.toFixed(Math.min(digits, 6));
  return fixed.replace(/\B(?=(\d{3})+$)/g, digits === 0 ? THIN_SPACE : '');
}

/** `median [min..max]`, and the median alone when there was one round. */
export function formatSpread({ median, min, max }: Spread, unit: string): string {
  const range = min === max ? '' : ` [${formatNumber(min)}..${formatNumber(max)}]`;
  return `${formatNumber(median)}${unit === '' ? '' : ` ${unit}`}${range}`;
}
