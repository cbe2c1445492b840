import type { Row } from './figure.ts';

/** Whether a row reached its goal; `by` is how many times off it is. */
export type Verdict =
  | { readonly type: 'met' }
  | { readonly type: 'missed'; readonly by: number }
  | { readonly type: 'informs' };

/** Judges the median, not the best round. */
export function judge({ goal, value, ratio }: Row): Verdict {
  if (goal === null) return { type: 'informs' };
  const judged = goal.of === 'value' ? value.median : ratio?.median;
  if (judged === undefined) throw new Error('A goal on a ratio needs a baseline.');
  const by = goal.type === 'at_least' ? goal.bound / judged : judged / goal.bound;
  return by <= 1 ? { type: 'met' } : { type: 'missed', by };
}
