/** Figures as people read them: grouped, rounded to what matters, with their unit. */

/** `1,234,567` */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

const COMPACT_UNITS = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** `834`, `1.2k`, `45k`, `1.3M`: at most four characters up to a thousand million million. */
export function compact(count: number): string {
  for (const [size, unit] of COMPACT_UNITS) {
    // What rounds up to the next unit is written in it.
    if (count >= size * 0.9995) {
      const units = count / size;
      return `${units < 9.95 ? units.toFixed(1) : Math.round(units)}${unit}`;
    }
  }
  return String(Math.round(count));
}

const NANO = 1e9;

/** `$1,234.57`, `$0.0123`, `$0.00012`: cents from a dollar on, below that what can still be told apart. */
export function money(nanoUsd: number): string {
  const sign = nanoUsd < 0 ? '-' : '';
  const usd = Math.abs(nanoUsd) / NANO;
  if (usd === 0) return '$0.00';
  if (usd >= 0.995) {
    const [dollars = '0', cents = '00'] = usd.toFixed(2).split('.');
    return `${sign}$${grouped(Number(dollars))}.${cents}`;
  }
  // Two significant digits, and never fewer than four decimals: a bill of $0.0109 is no $0.01.
  const decimals = Math.min(9, Math.max(4, 1 - Math.floor(Math.log10(usd))));
  return `${sign}$${usd.toFixed(decimals)}`;
}

/** Amounts that stand beside each other, with as many decimals as the largest has; what that leaves nothing of is `<$0.01`. */
export function moneyAlike(amounts: readonly number[]): readonly string[] {
  const largest = money(Math.max(0, ...amounts.map(Math.abs)));
  const decimals = largest.length - largest.indexOf('.') - 1;
  return amounts.map((nanoUsd) => {
    const [sign, usd] = [nanoUsd < 0 ? '-' : '', Math.abs(nanoUsd) / NANO];
    const least = 10 ** -decimals;
    if (usd > 0 && usd < least / 2) return `${sign}<$${least.toFixed(decimals)}`;
    const [dollars = '0', rest = ''] = usd.toFixed(decimals).split('.');
    return `${sign}$${grouped(Number(dollars))}.${rest}`;
  });
}

/** `0%`, `<1%`, `42%`, `>99%`, `100%`: neither nothing nor all is said of what is only nearly so. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return '0%';
  const share = (100 * part) / whole;
  if (share > 0 && share < 1) return '<1%';
  if (share > 99 && share < 100) return '>99%';
  return `${Math.round(share)}%`;
}

/** `0.4 s`, `12 s`, `3 min`, `2 h 10 min`, `3 d 4 h`: the two units that matter. */
export function timeText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  if (minutes < 48 * 60) return withRest(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return withRest(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function withRest(units: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${units} ${unit}` : `${units} ${unit} ${rest} ${restUnit}`;
}

/** `12 B`, `3.4 kB`, `5.6 MB`, `1.2 GB`. */
export function byteText(bytes: number): string {
  const text = compact(bytes);
  const unit = /[kMGT]$/.exec(text)?.[0] ?? '';
  return `${unit === '' ? text : text.slice(0, -1)} ${unit}B`;
}

/** `1 request`, `2,000 requests` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** `1 token`, `45k tokens` */
export function compactCounted(count: number, one: string): string {
  return `${compact(count)} ${count === 1 ? one : `${one}s`}`;
}
