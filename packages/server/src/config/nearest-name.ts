/** The known name a typo most likely meant, or null when none is near. All `known` begin with `prefix`. */
export function nearestName(name: string, known: readonly string[], prefix = ''): string | null {
  const bare = (whole: string): string => whole.slice(whole.startsWith(prefix) ? prefix.length : 0).toLowerCase();
  let best: string | null = null;
  // A third of the letters may be wrong; beyond that a suggestion misleads more than it helps. The prefix, which is
  // never mistyped here, must not buy further errors.
  let bound = Math.floor(bare(name).length / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(bare(name), bare(candidate));
    if (distance < bound) {
      bound = distance;
      best = candidate;
    }
  }
  return best;
}

/** Letters inserted, removed, exchanged, or swapped with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const best = Math.min(exchanged, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      row.push(swapped ? Math.min(best, (beforeLast[j - 2] ?? 0) + 1) : best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
