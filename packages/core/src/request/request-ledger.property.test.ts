import { RESULT_TYPES, type RequestCounts } from '@batchwright/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RequestLedger } from './request-ledger.ts';
import { REQUEST_STATES, transitionRequest, type RequestEvent, type RequestState } from './request-machine.ts';

const SIZE = 6;

const event: fc.Arbitrary<RequestEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<RequestEvent>({ type: 'dispatch' }) },
  fc.constantFrom<RequestEvent>({ type: 'retry_later' }, { type: 'backoff_elapsed' }, { type: 'give_back' }),
  fc.constantFrom(...RESULT_TYPES).map((as): RequestEvent => ({ type: 'settle', as })),
);
const history = fc.array(fc.tuple(fc.nat(SIZE - 1), event), { maxLength: 80, size: 'max' });

const sum = (counts: RequestCounts): number => Object.values(counts).reduce((total, count) => total + count, 0);

function expectForward(before: RequestCounts, now: RequestCounts): void {
  for (const type of RESULT_TYPES) expect(now[type]).toBeGreaterThanOrEqual(before[type]);
}

it('R7 counters always sum to the number of requests and never go back', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const ledger = new RequestLedger(SIZE);
      let before = ledger.counts();
      for (const [request, next] of steps) {
        ledger.apply(request, next);
        const now = ledger.counts();
        expect(sum(now)).toBe(SIZE);
        expectForward(before, now);
        before = now;
      }
    }),
  );
});

it('R8 running counters sum to the number of requests, never go back, and never say that nothing is processing', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const ledger = new RequestLedger(SIZE);
      let before = ledger.runningCounts();
      for (const [request, next] of steps) {
        ledger.apply(request, next);
        const now = ledger.runningCounts();
        expect(sum(now)).toBe(SIZE);
        expect(now.processing).toBeGreaterThan(0);
        expectForward(before, now);
        before = now;
      }
      expectForward(before, ledger.counts());
    }),
  );
});

it('R7 what a log settles at once is as if each had been settled by itself', () => {
  const row = fc.tuple(fc.nat(SIZE - 1), fc.nat(RESULT_TYPES.length - 1));
  fc.assert(
    fc.property(history, fc.array(row, { maxLength: 2 * SIZE, size: 'max' }), (steps, rows) => {
      const [restored, applied] = [new RequestLedger(SIZE), new RequestLedger(SIZE)];
      for (const [request, next] of steps) for (const ledger of [restored, applied]) ledger.apply(request, next);
      restored.restore(
        Uint32Array.from(rows, ([request]) => request),
        Uint8Array.from(rows, ([, type]) => type),
      );
      for (const [request, type] of rows)
        applied.apply(request, { type: 'settle', as: RESULT_TYPES[type] ?? 'expired' });
      const everything = (ledger: RequestLedger) => ({
        states: Array.from({ length: SIZE }, (_, request) => ledger.state(request)),
        pending: Array.from({ length: SIZE }, (_, request) => ledger.isPending(request)),
        inState: REQUEST_STATES.map((state) => ledger.inState(state)),
        counts: ledger.counts(),
        runningCounts: ledger.runningCounts(),
      });
      expect(everything(restored)).toEqual(everything(applied));
    }),
  );
});

it('R7 agrees with the machine applied to each request by itself', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const ledger = new RequestLedger(SIZE);
      const model = Array.from({ length: SIZE }, (): RequestState => 'pending');
      for (const [request, next] of steps) {
        const transition = transitionRequest(model[request] as RequestState, next.type);
        if (transition.type === 'changed') model[request] = transition.state;
        expect(ledger.apply(request, next)).toBe(transition);
      }
      expect(model.map((_, request) => ledger.state(request))).toEqual(model);
      for (const state of REQUEST_STATES) {
        expect(ledger.inState(state)).toBe(model.filter((other) => other === state).length);
      }
    }),
  );
});
