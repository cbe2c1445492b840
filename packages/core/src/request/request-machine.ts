import type { ResultType } from '@batchwright/protocol';

/**
 * The inner life of one request. SPEC.md R1–R8.
 *
 *     pending ──dispatch──▶ dispatched ──settle──▶ settled
 *        ▲  ◀──give_back──────┤                       ▲
 *        │                retry_later                 │ settle, from any state: what a recovered log says,
 *        │                    ▼                       │ and what cancel or expiry does to the unstarted
 *        └─backoff_elapsed─ backing_off ──────────────┘
 *
 * Invariant: settled is final. Kept as one byte per request, so a transition allocates nothing.
 */
export type RequestState = 'pending' | 'dispatched' | 'backing_off' | 'settled';

/** Everything that can happen to a request after it was taken in. */
export type RequestEvent =
  | { readonly type: 'dispatch' }
  | { readonly type: 'retry_later' }
  | { readonly type: 'backoff_elapsed' }
  | { readonly type: 'give_back' }
  | { readonly type: 'settle'; readonly as: ResultType };

/** Why an event changed nothing. */
export type RequestIgnored = 'not_dispatched' | 'already_dispatched' | 'not_backing_off' | 'backing_off' | 'settled';

/** What an event did to a request. */
export type RequestTransition =
  | { readonly type: 'changed'; readonly state: RequestState }
  | { readonly type: 'ignored'; readonly reason: RequestIgnored };

/** States by their code, the byte a state array holds. A fresh array is all `pending`. */
export const REQUEST_STATES = ['pending', 'dispatched', 'backing_off', 'settled'] as const satisfies RequestState[];

/** The byte of each state. */
export const REQUEST_STATE_CODES = {
  pending: 0,
  dispatched: 1,
  backing_off: 2,
  settled: 3,
} as const satisfies Record<RequestState, number>;

/** Applies one event to one state. Answers are shared and frozen: the hot path creates no garbage. */
export function transitionRequest(state: RequestState, event: RequestEvent['type']): RequestTransition {
  return TRANSITIONS[state][event];
}

type Row = Readonly<Record<RequestEvent['type'], RequestTransition>>;

const to = (state: RequestState): RequestTransition => Object.freeze({ type: 'changed', state });
const ignored = (reason: RequestIgnored): RequestTransition => Object.freeze({ type: 'ignored', reason });

const TRANSITIONS: Readonly<Record<RequestState, Row>> = {
  pending: {
    dispatch: to('dispatched'),
    retry_later: ignored('not_dispatched'),
    backoff_elapsed: ignored('not_backing_off'),
    give_back: ignored('not_dispatched'),
    settle: to('settled'),
  },
  dispatched: {
    dispatch: ignored('already_dispatched'),
    retry_later: to('backing_off'),
    backoff_elapsed: ignored('not_backing_off'),
    give_back: to('pending'),
    settle: to('settled'),
  },
  backing_off: {
    dispatch: ignored('backing_off'),
    retry_later: ignored('not_dispatched'),
    backoff_elapsed: to('pending'),
    give_back: ignored('not_dispatched'),
    settle: to('settled'),
  },
  settled: {
    dispatch: ignored('settled'),
    retry_later: ignored('settled'),
    backoff_elapsed: ignored('settled'),
    give_back: ignored('settled'),
    settle: ignored('settled'),
  },
};
