import type { ErrorDetails, ErrorType } from '@batchwright/protocol';

/** An upstream's error in the API's own words. */
export interface UpstreamError {
  readonly type: ErrorType;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/**
 * What became of one attempt, as one value, before anything is decided. `paused` is an answer that says nothing about
 * the request: the upstream's spend cap is reached or its credential refused, and asking again now would only burn calls.
 */
export type UpstreamAnswer =
  | { readonly type: 'succeeded' }
  | { readonly type: 'rejected'; readonly error: UpstreamError; readonly requestId: string | null }
  | { readonly type: 'rate_limited'; readonly retryAfterMs: number | null }
  | { readonly type: 'overloaded'; readonly retryAfterMs: number | null }
  | { readonly type: 'timed_out' }
  | { readonly type: 'broken'; readonly reason: string }
  | { readonly type: 'paused'; readonly reason: 'spend_cap' | 'credential'; readonly message: string };

export type AnswerClass = UpstreamAnswer['type'];
