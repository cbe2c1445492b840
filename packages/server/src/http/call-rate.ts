import { RequestRate, type RateVerdict } from '@batchwright/core';
import { formatTimestamp, microsecondsFromMs, type Problem, type WorkspaceId } from '@batchwright/protocol';
import type { ReplyHeaders } from './reply.ts';

/** Calls per minute to the batch endpoints, each workspace for itself. */
export interface CallRate {
  /** Counts a call: the headers it carries either way, and the problem of one too many. */
  count(workspaceId: WorkspaceId, nowMs: number): { readonly headers: ReplyHeaders; readonly problem: Problem | null };
}

/** What the headers say when no limit is set: the hosted API's own figure, of which nothing is ever used up. */
const UNLIMITED = 20_000;
/** Workspaces remembered before those with nothing in use are forgotten. */
const REMEMBERED = 10_000;

/** `perMinute` 0 sets no limit; the headers are there all the same, since clients read them. */
export function callRate(perMinute: number): CallRate {
  if (perMinute === 0) return { count: (_workspaceId, nowMs) => ({ headers: unlimited(nowMs), problem: null }) };
  const rates = new Map<WorkspaceId, RequestRate>();
  return {
    count(workspaceId, nowMs) {
      let rate = rates.get(workspaceId);
      if (rate === undefined) {
        if (rates.size >= REMEMBERED) forgetIdle(rates, nowMs);
        rate = new RequestRate(perMinute, nowMs);
        rates.set(workspaceId, rate);
      }
      const verdict = rate.take(nowMs);
      return { headers: rateHeaders(verdict), problem: verdict.isAllowed ? null : tooMany(perMinute, verdict) };
    },
  };
}

function forgetIdle(rates: Map<WorkspaceId, RequestRate>, nowMs: number): void {
  for (const [workspaceId, rate] of rates) if (rate.isIdle(nowMs)) rates.delete(workspaceId);
}

function tooMany(limitPerMinute: number, { retryAfterSeconds }: RateVerdict): Problem {
  return { type: 'too_many_calls', limitPerMinute, retryAfterSeconds };
}

function unlimited(nowMs: number): ReplyHeaders {
  return rateHeaders({ limit: UNLIMITED, remaining: UNLIMITED, resetAtMs: nowMs });
}

function rateHeaders(state: Pick<RateVerdict, 'limit' | 'remaining' | 'resetAtMs'>): ReplyHeaders {
  return {
    'anthropic-ratelimit-requests-limit': String(state.limit),
    'anthropic-ratelimit-requests-remaining': String(state.remaining),
    'anthropic-ratelimit-requests-reset': formatTimestamp(microsecondsFromMs(state.resetAtMs)),
  };
}
