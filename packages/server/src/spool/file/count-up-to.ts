/** How many of the first `count` numbers, none of which is less than the one before, are at most `limit`. */
export function countUpTo(numbers: ArrayLike<number>, count: number, limit: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
