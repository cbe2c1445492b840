import type { Paint } from './paint.ts';

/** Parts of a whole, in the order they are stacked. */
export interface BarParts {
  readonly succeeded: number;
  readonly failed: number;
  /** Sent, and not answered yet. */
  readonly underWay: number;
  readonly whole: number;
}

/** A stacked bar of exactly `width` characters; each part is told apart without colours too. */
export function stackedBar(parts: BarParts, width: number, paint: Paint): string {
  const { succeeded, failed, underWay, whole } = parts;
  const cells = shares([succeeded, failed, underWay, Math.max(0, whole - succeeded - failed - underWay)], width);
  const [done = 0, wrong = 0, sent = 0, rest = 0] = cells;
  return [
    paint.green('█'.repeat(done)),
    paint.red('▓'.repeat(wrong)),
    paint.cyan('▒'.repeat(sent)),
    paint.dim('░'.repeat(rest)),
  ].join('');
}

/** Whole cells for each amount, in proportion. What is not nothing has a cell while there are enough. */
function shares(amounts: readonly number[], width: number): readonly number[] {
  const sum = amounts.reduce((all, amount) => all + amount, 0);
  if (sum === 0) return [0, 0, 0, width];
  const exact = amounts.map((amount) => (amount * width) / sum);
  const cells = exact.map((cell) => (cell > 0 && cell < 1 ? 1 : Math.floor(cell)));
  let left = width - cells.reduce((all, count) => all + count, 0);
  // What is left goes where most was cut off; what is too much comes from the largest.
  while (left > 0) {
    cells[indexOfMost(exact, (cell, i) => cell - (cells[i] ?? 0))]! += 1;
    left -= 1;
  }
  while (left < 0) {
    cells[indexOfMost(exact, (_, i) => cells[i] ?? 0)]! -= 1;
    left += 1;
  }
  return cells;
}

function indexOfMost(values: readonly number[], measure: (value: number, index: number) => number): number {
  let best = 0;
  values.forEach((value, i) => {
    if (measure(value, i) > measure(values[best] ?? 0, best)) best = i;
  });
  return best;
}
