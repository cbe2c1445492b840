/** Rows under headings, the first column to the left and all others to the right. */
export function columns(headings: readonly string[], rows: readonly (readonly string[])[], indent = ''): string[] {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}

/** A whole number, thousands apart. */
export function whole(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Dollars to so many digits, a half upwards; money is whole nano-dollars, whatever a float makes of it. */
export function dollars(usd: number, digits: number): string {
  const nanoUsd = Math.round(usd * 1e9);
  return (Math.round(nanoUsd / 10 ** (9 - digits)) / 10 ** digits).toFixed(digits);
}

/** Milliseconds as seconds, to a tenth. */
export function seconds(ms: number): string {
  const tenths = (ms / 1000).toFixed(1);
  return tenths.replace(/\B(?=(\d{3})+\.)/g, ',');
}
