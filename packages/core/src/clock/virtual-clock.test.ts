import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

test('settle runs after each instant, and what it sets for that instant fires before time moves on', async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.after(10, () => log.push('a@10'));
  clock.after(20, () => log.push('b@20'));
  let answered = false;
  await clock.advance(30, async () => {
    log.push(`settle@${clock.now()}`);
    if (answered) return;
    answered = true;
    await Promise.resolve();
    clock.after(0, () => log.push(`reply@${clock.now()}`));
  });
  expect(log).toEqual(['a@10', 'settle@10', 'reply@10', 'settle@10', 'b@20', 'settle@20']);
});

test('calls to advance wait their turn', async () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  clock.after(5, () => seen.push(clock.now()));
  clock.after(15, () => seen.push(clock.now()));
  await Promise.all([clock.advance(10, () => Promise.resolve()), clock.advance(10)]);
  expect(seen).toEqual([5, 15]);
  expect(clock.now()).toBe(20);
});

test('an action that throws fails its advance and no later one', async () => {
  const clock = new VirtualClock();
  let fired = false;
  clock.after(1, () => {
    throw new Error('broken action');
  });
  clock.after(2, () => (fired = true));
  await expect(clock.advance(5)).rejects.toThrow('broken action');
  expect(fired).toBe(false);
  await clock.advance(5);
  expect(fired).toBe(true);
});

test('a negative delay or step counts as none: time never goes back', async () => {
  const clock = new VirtualClock(7);
  let firedAt = -1;
  clock.after(-5, () => (firedAt = clock.now()));
  await clock.advance(-3);
  expect(firedAt).toBe(7);
  expect(clock.now()).toBe(7);
});
