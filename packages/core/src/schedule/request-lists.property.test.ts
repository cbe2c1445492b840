import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { RequestLists } from './request-lists.ts';

it('agrees with plain arrays, whatever is pushed, taken and joined', () => {
  const operation = fc.record({
    type: fc.constantFrom('push', 'unshift', 'shift', 'append', 'pushRun'),
    request: fc.nat(9),
    list: fc.nat(2),
    other: fc.nat(2),
  });
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 100, size: 'max' }),
      fc.nat(9),
      fc.nat(2),
      (operations, queued, run) => {
        const lists = new RequestLists(10, 3);
        const model: number[][] = [[], [], []];
        for (let request = 0; request < queued; request++) {
          lists.push(run, request);
          model[run]?.push(request);
        }
        for (const { type, request, list, other } of operations) {
          const mine = model[list] as number[];
          if (type === 'shift') expect(lists.shift(list)).toBe(mine.shift() ?? -1);
          else if (type === 'append') {
            if (list === other) continue;
            lists.append(list, other);
            model[other]?.push(...mine.splice(0));
          } else if (type === 'pushRun') {
            const run = freeRun(request, model.flat());
            if (run.length === 0) continue;
            lists.pushRun(list, request, request + run.length);
            mine.push(...run);
          } else if (!model.flat().includes(request)) {
            lists[type](list, request);
            mine[type](request);
          }
          expect([0, 1, 2].map((each) => lists.count(each))).toEqual(model.map(({ length }) => length));
          expect([0, 1, 2].map((each) => lists.first(each))).toEqual(model.map(([first = -1]) => first));
          expect(lists.size).toBe(model.flat().length);
        }
      },
    ),
  );
});

/** Up to four requests from this one on, before the first that waits already. */
function freeRun(from: number, waiting: readonly number[]): readonly number[] {
  const run = [0, 1, 2, 3].map((place) => from + place);
  const end = run.findIndex((request) => request >= 10 || waiting.includes(request));
  return end === -1 ? run : run.slice(0, end);
}

it('a request queued twice is our own mistake', () => {
  const lists = new RequestLists(2, 2);
  lists.push(0, 1);
  expect(() => lists.push(1, 1)).toThrow('request 1 is queued twice');
  expect(() => lists.unshift(0, 2)).toThrow('request 2 is queued twice, or there is no such request');
  expect(() => lists.pushRun(0, 0, 2)).toThrow('request 1 is queued twice');
});

it('links nothing while one list has all that wait, in order, and from the first on that comes back', () => {
  const lengths: number[] = [];
  class Counted extends Int32Array {
    constructor(length: number) {
      super(length);
      lengths.push(length);
    }
  }
  vi.stubGlobal('Int32Array', Counted);
  try {
    const lists = new RequestLists(1000, 3);
    for (let request = 0; request < 1000; request++) lists.push(2, request);
    for (let taken = 0; taken < 10; taken++) expect(lists.shift(2)).toBe(taken);
    expect(Math.max(...lengths)).toBe(3);
    lists.push(2, 4);
    expect(Math.max(...lengths)).toBe(1000);
    expect(Array.from({ length: 992 }, () => lists.shift(2)).slice(-3)).toEqual([999, 4, -1]);
  } finally {
    vi.unstubAllGlobals();
  }
});
