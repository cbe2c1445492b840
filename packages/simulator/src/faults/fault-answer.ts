import { wireError, type WireError } from '@batchwright/protocol';
import type { FaultKind, FaultPhase, FaultRule } from './fault-rule.ts';

/** What a fault does to its call, once it is time. */
export type FaultEffect =
  | { readonly type: 'error'; readonly error: WireError }
  | { readonly type: 'reset' }
  | { readonly type: 'stall' }
  | { readonly type: 'truncated' }
  | { readonly type: 'invalid_json' }
  | { readonly type: 'slow'; readonly ms: number };

export function effectOf(rule: FaultRule): FaultEffect {
  if (rule.phase === 'stall') return { type: 'stall' };
  switch (rule.kind) {
    case 'reset':
    case 'stall':
    case 'truncated':
    case 'invalid_json':
      return { type: rule.kind };
    case 'slow':
      return { type: 'slow', ms: rule.ms ?? DEFAULT_SLOW_MS };
    default:
      return { type: 'error', error: errorOf(rule, rule.kind) };
  }
}

/** A fault without a phase strikes where its kind usually does. */
export function phaseOf(rule: FaultRule): Exclude<FaultPhase, 'stall'> {
  if (rule.phase !== undefined && rule.phase !== 'stall') return rule.phase;
  return USUAL_PHASE[rule.kind] ?? 'admission';
}

const DEFAULT_SLOW_MS = 30_000;

const USUAL_PHASE: Partial<Readonly<Record<FaultKind, Exclude<FaultPhase, 'stall'>>>> = {
  api_error: 'before_first_byte',
  timeout: 'before_first_byte',
  reset: 'before_first_byte',
  stall: 'before_first_byte',
};

type ErrorKind = Exclude<FaultKind, 'reset' | 'stall' | 'truncated' | 'invalid_json' | 'slow'>;

function errorOf(rule: FaultRule, kind: ErrorKind): WireError {
  const usual = USUAL_ERROR[kind];
  const error = rule.message === undefined ? usual : { ...usual, message: rule.message };
  if (rule.retryAfterSeconds === undefined) return error;
  const { retryAfterSeconds: _, ...rest } = error;
  return rule.retryAfterSeconds === null ? rest : { ...rest, retryAfterSeconds: rule.retryAfterSeconds };
}

const USUAL_ERROR: Readonly<Record<ErrorKind, WireError>> = {
  rate_limited: {
    type: 'rate_limit_error',
    message: "This request would exceed your organization's rate limit. (simulated fault)",
    retryAfterSeconds: 1,
  },
  acceleration: {
    type: 'rate_limit_error',
    message: 'Your usage is growing faster than the acceleration limit allows. Ramp up gradually. (simulated fault)',
    retryAfterSeconds: 1,
  },
  spend_cap: wireError({ type: 'spend_limit_reached' }),
  overloaded: { type: 'overloaded_error', message: 'Overloaded' },
  api_error: { type: 'api_error', message: 'Internal server error' },
  timeout: { type: 'timeout_error', message: 'Request timed out' },
  bad_request: { type: 'invalid_request_error', message: 'The request was refused. (simulated fault)' },
  authentication: { type: 'authentication_error', message: 'API key is invalid.' },
};
