/**
 * Seeds that once failed, by campaign, kept for good: `npm test` runs them. A seed means another history once its
 * campaign draws otherwise, so a fault that was found has a test of its own beside the code that had it as well.
 */
export const CORPUS: readonly { readonly campaign: string; readonly seed: number; readonly why: string }[] = [
  { campaign: 'R2', seed: 1, why: 'a stop did not wait for checkpoints on their way to the catalog' },
  { campaign: 'R2', seed: 14, why: 'a stop did not wait for the end of a batch on its way to the catalog' },
  { campaign: 'R2', seed: 55, why: 'a done log whose header a loss of power had garbled was taken for right' },
  { campaign: 'R2', seed: 837, why: 'a recovery whose sync failed was followed by one that trusted the cache' },
];
