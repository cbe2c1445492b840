import { unreachable } from '../assertion.ts';
import type { UpstreamAnswer, UpstreamError } from './upstream-answer.ts';

/** What to do with a request after an attempt. */
export type NextStep =
  | { readonly type: 'settle'; readonly as: 'succeeded' }
  | {
      readonly type: 'settle';
      readonly as: 'errored';
      readonly error: UpstreamError;
      readonly requestId: string | null;
    }
  | { readonly type: 'retry'; readonly atMs: number }
  /** Give the request back, untried, and pause the upstream. */
  | { readonly type: 'pause'; readonly reason: 'spend_cap' | 'credential'; readonly message: string };

/** The first retry waits at most this long. */
export const BACKOFF_FIRST_MS = 1000;
/** No retry waits longer than this of its own accord. */
export const BACKOFF_LAST_MS = 60_000;

/**
 * Decides. SPEC.md N1–N6. Retries have no number: they go on until the batch expires, and expiry settles what waits.
 * `attempt` counts from 1; `random` lies in [0, 1).
 */
export function nextStep(
  answer: UpstreamAnswer,
  attempt: number,
  nowMs: number,
  expiresAtMs: number,
  random: number,
): NextStep {
  switch (answer.type) {
    case 'succeeded':
      return SETTLE_SUCCEEDED;
    case 'rejected':
      return { type: 'settle', as: 'errored', error: answer.error, requestId: answer.requestId };
    case 'paused':
      return { type: 'pause', reason: answer.reason, message: answer.message };
    case 'rate_limited':
    case 'overloaded':
      return { type: 'retry', atMs: retryAtMs(answer.retryAfterMs, attempt, nowMs, expiresAtMs, random) };
    case 'timed_out':
    case 'broken':
      return { type: 'retry', atMs: retryAtMs(null, attempt, nowMs, expiresAtMs, random) };
    default:
      return unreachable(answer);
  }
}

const SETTLE_SUCCEEDED: NextStep = Object.freeze({ type: 'settle', as: 'succeeded' });

/**
 * Full jitter: anywhere in [0, min(60 s, 1 s · 2^(attempt−1))), so that requests which failed together do not come back
 * together. A wait that was asked for is kept and then spread over a second for the same reason. Our own wait never
 * reaches beyond expiry, where the request is settled anyway.
 */
function retryAtMs(
  askedMs: number | null,
  attempt: number,
  nowMs: number,
  expiresAtMs: number,
  random: number,
): number {
  if (askedMs !== null) return nowMs + askedMs + Math.floor(random * BACKOFF_FIRST_MS);
  const atMs = nowMs + Math.floor(random * backoffCeilingMs(attempt));
  return Math.max(nowMs, Math.min(atMs, expiresAtMs));
}

/** The longest wait after this attempt. */
export function backoffCeilingMs(attempt: number): number {
  return Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** (Math.max(1, attempt) - 1));
}
