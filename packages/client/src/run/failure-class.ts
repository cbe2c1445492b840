import type { BatchResult } from '@batchwright/protocol';
import { failureOf, isPermanentError } from '../report/failure-tally.ts';
import type { RetryClass } from './run-options.ts';

type FailureClass = Exclude<RetryClass, 'errored'>;

const CLASS_OF_ERROR: ReadonlyMap<string, FailureClass> = new Map([
  ['rate_limit_error', 'rate_limited'],
  ['overloaded_error', 'overloaded'],
  ['timeout_error', 'timed_out'],
]);

/** What helps against a failure; null: it is none, or nothing does. An error nobody has heard of may be a passing one. */
export function failureClassOf(result: BatchResult): FailureClass | null {
  const failure = failureOf(result);
  if (failure === null || (result.type === 'errored' && isPermanentError(failure.type))) return null;
  if (result.type === 'expired' || result.type === 'canceled') return result.type;
  return CLASS_OF_ERROR.get(failure.type) ?? 'api_error';
}

/** Whether a result calls for another try, of what is to be tried again. */
export function callsForRetry(result: BatchResult, classes: ReadonlySet<RetryClass>): boolean {
  const failure = failureClassOf(result);
  if (failure === null) return false;
  return classes.has(failure) || (result.type === 'errored' && classes.has('errored'));
}
