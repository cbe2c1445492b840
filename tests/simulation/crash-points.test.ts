import { describe, expect, it } from 'vitest';
import { CRASH_POINTS } from './crash-points.ts';
import { tour } from './tour.ts';

describe('a process that dies at a named point', () => {
  it.each(CRASH_POINTS)('%s: every promise holds after it', async (point) => {
    const { diedAt, violations } = await tour(point);
    expect(diedAt).toBe(point);
    expect(violations).toEqual([]);
  });
});
