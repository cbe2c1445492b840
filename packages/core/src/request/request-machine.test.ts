import { expect, it } from 'vitest';
import { REQUEST_STATE_CODES, REQUEST_STATES, transitionRequest, type RequestState } from './request-machine.ts';

it('R1 codes and states name each other, and a zeroed array is all pending', () => {
  expect(REQUEST_STATES.map((state) => REQUEST_STATE_CODES[state])).toEqual([0, 1, 2, 3]);
  expect(REQUEST_STATES[0]).toBe('pending');
});

it('R2 nothing leaves settled', () => {
  for (const event of ['dispatch', 'retry_later', 'backoff_elapsed', 'give_back', 'settle'] as const) {
    expect(transitionRequest('settled', event).type).toBe('ignored');
  }
});

it('R4 only a dispatched request can be retried or given back', () => {
  const others: RequestState[] = ['pending', 'backing_off', 'settled'];
  for (const event of ['retry_later', 'give_back'] as const) {
    expect(transitionRequest('dispatched', event).type).toBe('changed');
    for (const state of others) expect(transitionRequest(state, event).type).toBe('ignored');
  }
});

it('R5 whatever is not settled can be settled', () => {
  for (const state of ['pending', 'dispatched', 'backing_off'] as const) {
    expect(transitionRequest(state, 'settle')).toEqual({ type: 'changed', state: 'settled' });
  }
});

it('R1 asking the same twice gives the same object, so that the hot path makes no garbage', () => {
  expect(transitionRequest('pending', 'dispatch')).toBe(transitionRequest('pending', 'dispatch'));
});
