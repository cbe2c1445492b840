import type { ErrorEnvelope } from './errors.ts';

/** What became of one request, as a results line spells it. A succeeded message is kept as the upstream sent it. */
export type BatchResult =
  | { readonly type: 'succeeded'; readonly message: unknown }
  | { readonly type: 'errored'; readonly error: ErrorEnvelope }
  | { readonly type: 'canceled' }
  | { readonly type: 'expired' };

/** One line of a results file. */
export interface BatchResultLine {
  readonly custom_id: string;
  readonly result: BatchResult;
}
