import { RESULT_TYPES } from '@batchwright/protocol';
import { expect, it } from 'vitest';
import { RequestLedger } from './request-ledger.ts';

it('R6 an attempt is counted when handed out, and not when given back', () => {
  const ledger = new RequestLedger(2);
  ledger.apply(1, { type: 'dispatch' });
  ledger.apply(1, { type: 'retry_later' });
  ledger.apply(1, { type: 'backoff_elapsed' });
  ledger.apply(1, { type: 'dispatch' });
  expect(ledger.attempts(1)).toBe(2);
  ledger.apply(1, { type: 'give_back' });
  expect(ledger.attempts(1)).toBe(1);
  expect(ledger.attempts(0)).toBe(0);
});

it('R6 attempts stop at 255', () => {
  const ledger = new RequestLedger(1);
  for (let i = 0; i < 300; i++) {
    ledger.apply(0, { type: 'dispatch' });
    ledger.apply(0, { type: 'retry_later' });
    ledger.apply(0, { type: 'backoff_elapsed' });
  }
  expect(ledger.attempts(0)).toBe(255);
});

it('R7 every result type has its own counter', () => {
  const ledger = new RequestLedger(5);
  RESULT_TYPES.forEach((as, request) => ledger.apply(request, { type: 'settle', as }));
  expect(ledger.counts()).toEqual({ processing: 1, succeeded: 1, errored: 1, canceled: 1, expired: 1 });
});

it('R2 a request settles once: the second settling changes nothing', () => {
  const ledger = new RequestLedger(1);
  ledger.apply(0, { type: 'settle', as: 'succeeded' });
  expect(ledger.apply(0, { type: 'settle', as: 'errored' })).toEqual({ type: 'ignored', reason: 'settled' });
  expect(ledger.counts()).toEqual({ processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 });
});

it('R8 the request that settled last counts as processing while the batch runs', () => {
  const ledger = new RequestLedger(2);
  ledger.apply(0, { type: 'settle', as: 'succeeded' });
  expect(ledger.runningCounts()).toMatchObject({ processing: 1, succeeded: 1 });
  ledger.apply(1, { type: 'settle', as: 'errored' });
  expect(ledger.runningCounts()).toMatchObject({ processing: 1, succeeded: 1, errored: 0 });
  expect(ledger.counts()).toMatchObject({ processing: 0, succeeded: 1, errored: 1 });
});

it('R1 a request that does not exist is our own mistake', () => {
  const ledger = new RequestLedger(3);
  expect(() => ledger.state(3)).toThrow('request 3 is not among 3');
  expect(() => ledger.apply(-1, { type: 'dispatch' })).toThrow('request -1 is not among 3');
});
