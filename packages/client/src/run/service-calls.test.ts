import type { Clock } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../service/batch-service.ts';
import { ServiceCalls } from './service-calls.ts';
import { Stop } from './stop.ts';

/** Waits pass at once, and are counted. */
function callsAndWaits() {
  const waits: number[] = [];
  const told: (readonly (string | null | undefined)[])[] = [];
  const clock: Clock = {
    now: () => 0,
    after: (delayMs, action) => {
      waits.push(delayMs);
      queueMicrotask(action);
      return { cancel: () => undefined };
    },
  };
  const calls = new ServiceCalls(
    clock,
    () => 0.5,
    new Stop(),
    (...said) => void told.push(said),
  );
  return { calls, waits, told };
}

/** A call that fails as often with a status, and then answers. */
function failing(times: number, status: number | null): () => Promise<string> {
  let left = times;
  return async () => {
    if (left-- > 0) throw new ServiceError('failed', { status, type: null });
    return 'answered';
  };
}

describe('a call', () => {
  it.each([null, 408, 429, 500, 529])('that fails with %s is made until it is answered', async (status) => {
    const { calls, waits } = callsAndWaits();
    expect(await calls.make(failing(100, status))).toBe('answered');
    expect(waits).toHaveLength(100);
    expect(Math.max(...waits)).toBe(60_000);
  });

  it.each([400, 401, 404, 413])('that fails with %i is not made again', async (status) => {
    await expect(callsAndWaits().calls.make(failing(1, status))).rejects.toMatchObject({ status });
  });

  it('whose answer cannot be read is made again for half a minute, and no longer', async () => {
    const { calls, waits } = callsAndWaits();
    expect(await calls.make(failing(5, 200))).toBe('answered');
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000]);
    await expect(calls.make(failing(6, 200))).rejects.toMatchObject({ status: 200 });
  });

  it('says what it waits for without what helps, which is told beside', async () => {
    const { calls, told } = callsAndWaits();
    const remedy = 'Start the server.';
    const message = `Asking failed: nothing answers. ${remedy}`;
    let isFirst = true;
    await calls.make(async () => {
      if (!isFirst) return;
      isFirst = false;
      throw new ServiceError(message, { status: null, type: null, remedy });
    });
    expect(told).toEqual([['Asking failed: nothing answers; next try in 1 s', remedy], [null]]);
  });
});
