import { describe, expect, it } from 'vitest';
import {
  transitionRequest,
  type RequestEvent,
  type RequestIgnored,
  type RequestState,
  type RequestTransition,
} from './request-machine.ts';

type Outcome = `→ ${RequestState}` | `ignored: ${RequestIgnored}`;

type Table = Readonly<Record<RequestState, Readonly<Record<RequestEvent['type'], Outcome>>>>;

const TABLE: Table = {
  pending: {
    dispatch: '→ dispatched',
    retry_later: 'ignored: not_dispatched',
    backoff_elapsed: 'ignored: not_backing_off',
    give_back: 'ignored: not_dispatched',
    settle: '→ settled',
  },
  dispatched: {
    dispatch: 'ignored: already_dispatched',
    retry_later: '→ backing_off',
    backoff_elapsed: 'ignored: not_backing_off',
    give_back: '→ pending',
    settle: '→ settled',
  },
  backing_off: {
    dispatch: 'ignored: backing_off',
    retry_later: 'ignored: not_dispatched',
    backoff_elapsed: '→ pending',
    give_back: 'ignored: not_dispatched',
    settle: '→ settled',
  },
  settled: {
    dispatch: 'ignored: settled',
    retry_later: 'ignored: settled',
    backoff_elapsed: 'ignored: settled',
    give_back: 'ignored: settled',
    settle: 'ignored: settled',
  },
};

const STATES = Object.keys(TABLE) as RequestState[];
const TYPES = Object.keys(TABLE.pending) as RequestEvent['type'][];

describe('R1 every event has one outcome in every state', () => {
  for (const state of STATES) {
    it.each(TYPES)(`${state} × %s`, (type) => {
      expect(outcome(transitionRequest(state, type))).toBe(TABLE[state][type]);
    });
  }
});

function outcome(transition: RequestTransition): Outcome {
  return transition.type === 'changed' ? `→ ${transition.state}` : `ignored: ${transition.reason}`;
}

/* The compiler's part of the claim, checked by `tables.io.test.ts`: a table with a hole is not a table. */
const { give_back: _event, ...eventsWithHole } = TABLE.settled;
const { settled: _state, ...statesWithHole } = TABLE;
// @ts-expect-error A missing event does not compile.
export const missingEvent: Table = { ...TABLE, settled: eventsWithHole };
// @ts-expect-error A missing state does not compile.
export const missingState: Table = statesWithHole;
