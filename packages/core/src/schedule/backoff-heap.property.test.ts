import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BackoffHeap } from './backoff-heap.ts';

/** Few distinct moments, so that ties are common; more entries than the heap first has room for. */
const moments = fc.array(fc.nat(30), { maxLength: 300, size: 'max' });

function popAll(heap: BackoffHeap, nowMs: number): number[] {
  const popped: number[] = [];
  for (let request = heap.popDue(nowMs); request !== null; request = heap.popDue(nowMs)) popped.push(request);
  return popped;
}

const inOrder = (times: readonly number[]): number[] =>
  times.map((_, request) => request).toSorted((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);

it('F7 wakes all that are due and no other, by moment and then by index', () => {
  fc.assert(
    fc.property(moments, fc.nat(31), (times, now) => {
      const heap = new BackoffHeap();
      times.forEach((atMs, request) => heap.push(request, atMs));
      expect(popAll(heap, now)).toEqual(inOrder(times).filter((request) => (times[request] ?? 0) <= now));
      const later = times.filter((atMs) => atMs > now);
      expect(heap.nextAt()).toBe(later.length === 0 ? null : Math.min(...later));
    }),
  );
});

it('F7 agrees with a sorted list while requests come and go', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(3)), { maxLength: 200, size: 'max' }), (steps) => {
      const heap = new BackoffHeap();
      let waiting: { request: number; atMs: number }[] = [];
      steps.forEach(([delayMs, passMs], now) => {
        heap.push(now, now + delayMs);
        waiting.push({ request: now, atMs: now + delayMs });
        waiting.sort((a, b) => a.atMs - b.atMs || a.request - b.request);
        const due = waiting.filter(({ atMs }) => atMs <= now + passMs);
        waiting = waiting.filter(({ atMs }) => atMs > now + passMs);
        expect(popAll(heap, now + passMs)).toEqual(due.map(({ request }) => request));
      });
    }),
  );
});

it('F8 a request that settled while it waited is never woken', () => {
  fc.assert(
    fc.property(moments, fc.func(fc.boolean()), (times, settles) => {
      const settled = new Set<number>();
      const heap = new BackoffHeap((request) => !settled.has(request));
      times.forEach((atMs, request) => heap.push(request, atMs));
      times.forEach((_, request) => settles(request) && settled.add(request));
      const left = inOrder(times).filter((request) => !settled.has(request));
      expect(heap.nextAt()).toBe(left.length === 0 ? null : times[left[0] as number]);
      expect(popAll(heap, 30)).toEqual(left);
      expect(heap.size).toBe(0);
    }),
  );
});
