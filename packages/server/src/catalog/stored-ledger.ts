import { mapUsage, totalsSince, type LedgerTotals, type Prediction, type UsageSum } from '@batchwright/core';
import type { LedgerCheckpoint } from './catalog.ts';

/**
 * What a checkpoint adds to the usage of its workspace. Null when it says nothing new: it arrived late, and covers no
 * more lines than the one before.
 */
export function gainOf(stored: LedgerCheckpoint | null, next: LedgerCheckpoint): LedgerTotals | null {
  if (stored === null) return next.totals;
  return next.rows <= stored.rows ? null : totalsSince(next.totals, stored.totals);
}

/** Totals as JSON text. */
export function encodeTotals(totals: LedgerTotals): string {
  return JSON.stringify(Object.fromEntries(totals));
}

/** Totals from their text; fields that it does not have yet are 0. */
export function decodeTotals(text: string): LedgerTotals {
  return totalsOf(JSON.parse(text) as StoredTotals);
}

/** A prediction as JSON text. */
export function encodePrediction({ prefixes, sharingRequests, totals }: Prediction): string {
  return JSON.stringify({ prefixes, sharingRequests, totals: Object.fromEntries(totals) });
}

export function decodePrediction(text: string): Prediction {
  const stored = JSON.parse(text) as Omit<Prediction, 'totals'> & { readonly totals: StoredTotals };
  return { ...stored, totals: totalsOf(stored.totals) };
}

type StoredTotals = Readonly<Record<string, Partial<UsageSum>>>;

function totalsOf(stored: StoredTotals): LedgerTotals {
  return new Map(Object.entries(stored).map(([model, sum]) => [model, mapUsage((field) => sum[field] ?? 0)]));
}
