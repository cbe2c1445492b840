import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

const delays = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 });

test('timers fire at their own moment, in time order, ties by the order they were set', async () => {
  await fc.assert(
    fc.asyncProperty(delays, async (delaysMs) => {
      const clock = new VirtualClock(1000);
      const fired: { readonly atMs: number; readonly order: number }[] = [];
      delaysMs.forEach((delayMs, order) => clock.after(delayMs, () => fired.push({ atMs: clock.now(), order })));
      await clock.advance(50);
      const expected = delaysMs
        .map((delayMs, order) => ({ atMs: 1000 + delayMs, order }))
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      expect(fired).toEqual(expected);
      expect(clock.pendingCount).toBe(0);
      expect(clock.now()).toBe(1050);
    }),
  );
});

test('cancelled timers never fire, the others always do, however many are cancelled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 300 }), async (plan) => {
      const clock = new VirtualClock();
      const fired = new Set<number>();
      const timers = plan.map(([delayMs], i) => clock.after(delayMs, () => fired.add(i)));
      plan.forEach(([, keep], i) => keep || timers[i]!.cancel());
      const kept = plan.flatMap(([delayMs, keep]) => (keep ? [delayMs] : []));
      expect(clock.pendingCount).toBe(kept.length);
      expect(clock.nextAt()).toBe(kept.length === 0 ? null : Math.min(...kept));
      await clock.advance(50);
      expect([...fired].sort((a, b) => a - b)).toEqual(plan.flatMap(([, keep], i) => (keep ? [i] : [])));
    }),
  );
});

test('advancing in pieces gives the same history as advancing at once', async () => {
  const history = async (delaysMs: readonly number[], piecesMs: readonly number[]): Promise<readonly string[]> => {
    const clock = new VirtualClock();
    const log: string[] = [];
    // Every timer sets another, so that timers set while time moves are part of the claim.
    delaysMs.forEach((delayMs, i) =>
      clock.after(delayMs, () => {
        log.push(`${clock.now()}:${i}`);
        clock.after(delayMs % 7, () => log.push(`${clock.now()}:${i}+`));
      }),
    );
    for (const pieceMs of piecesMs) await clock.advance(pieceMs);
    await clock.advance(100 - piecesMs.reduce((sum, pieceMs) => sum + pieceMs, 0));
    return log;
  };
  await fc.assert(
    fc.asyncProperty(delays, fc.array(fc.nat(10), { maxLength: 10 }), async (delaysMs, piecesMs) => {
      expect(await history(delaysMs, piecesMs)).toEqual(await history(delaysMs, []));
    }),
  );
});
