import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PendingQueue } from './pending-queue.ts';

it('F7 hands out in the order of arrival, those put before all others first', () => {
  const operation = fc.constantFrom('push', 'unshift', 'shift');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(operation, { maxLength: 100, size: 'max' }),
      (capacity, operations) => {
        const queue = new PendingQueue(capacity);
        const model: number[] = [];
        operations.forEach((type, request) => {
          if (type === 'shift') expect(queue.shift()).toBe(model.shift() ?? null);
          else if (model.length < capacity) {
            queue[type](request);
            model[type](request);
          }
          expect(queue.size).toBe(model.length);
        });
      },
    ),
  );
});

it('F7 begins with the pending requests in submission order', () => {
  const queue = PendingQueue.of(6, (request) => request % 2 === 1);
  expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([1, 3, 5, null]);
});

it('F7 more entries than requests are our own mistake', () => {
  const queue = PendingQueue.of(2, () => true);
  expect(() => queue.push(0)).toThrow('request 0 is queued twice: all 2 places are taken');
  expect(() => queue.unshift(1)).toThrow('request 1 is queued twice: all 2 places are taken');
});

it('F7 an empty shard has an empty queue', () => {
  expect(PendingQueue.of(0, () => true).shift()).toBeNull();
});
