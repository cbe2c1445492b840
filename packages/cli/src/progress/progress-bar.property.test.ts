import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PLAIN } from './paint.ts';
import { stackedBar } from './progress-bar.ts';

const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000_000 }));

it('a bar is as wide as it was asked to be, and hides nothing there is', () => {
  fc.assert(
    fc.property(
      count,
      count,
      count,
      count,
      fc.integer({ min: 4, max: 200 }),
      (succeeded, failed, underWay, rest, width) => {
        const bar = stackedBar(
          { succeeded, failed, underWay, whole: succeeded + failed + underWay + rest },
          width,
          PLAIN,
        );
        expect(bar).toMatch(/^█*▓*▒*░*$/);
        expect(bar.length).toBe(width);
        expect([bar.includes('█'), bar.includes('▓'), bar.includes('▒')]).toEqual([
          succeeded > 0,
          failed > 0,
          underWay > 0,
        ]);
      },
    ),
  );
});

it('a bar is full only when everything is done', () => {
  expect(stackedBar({ succeeded: 999, failed: 0, underWay: 0, whole: 1000 }, 10, PLAIN)).toBe('█████████░');
  expect(stackedBar({ succeeded: 1000, failed: 0, underWay: 0, whole: 1000 }, 10, PLAIN)).toBe('██████████');
});
