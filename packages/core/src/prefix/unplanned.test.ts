import { describe, expect, it } from 'vitest';
import { unplanned } from './unplanned.ts';

describe('the plan of requests that share nothing', () => {
  it('says of each request that it follows nobody', () => {
    const { anchor, suffixTokens } = unplanned(3);
    expect([...anchor]).toEqual([-1, -1, -1]);
    expect([...suffixTokens]).toEqual([0, 0, 0]);
  });

  it('holds no memory of its own once there was a longer one', () => {
    const long = unplanned(5000);
    const short = unplanned(4000);
    expect(short.anchor.buffer).toBe(long.anchor.buffer);
    expect(short.suffixTokens.buffer).toBe(long.suffixTokens.buffer);
  });
});
