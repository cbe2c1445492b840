import { expect, it } from 'vitest';
import { memoryStore } from '../store/memory-store.ts';
import type { LogName, RunStore } from '../store/run-store.ts';
import { ResultLogs } from './result-logs.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function counting(store: RunStore): {
  readonly store: RunStore;
  readonly open: Set<LogName>;
  readonly most: () => number;
} {
  const open = new Set<LogName>();
  let most = 0;
  const openLog: RunStore['openLog'] = async (name) => {
    const log = await store.openLog(name);
    open.add(name);
    most = Math.max(most, open.size);
    return {
      get size() {
        return log.size;
      },
      append: (more) => log.append(more),
      read: (offset, length) => log.read(offset, length),
      truncate: (size) => log.truncate(size),
      sync: () => log.sync(),
      async close() {
        await log.close();
        open.delete(name);
      },
    };
  };
  return { store: { ...store, openLog }, open, most: () => most };
}

it('reads from many logs, and holds few of them open', async () => {
  const { store, open, most } = counting(memoryStore());
  const logs = new ResultLogs(store);
  for (let batch = 0; batch < 200; batch++) await logs.use(batch, (log) => log.append(bytes(`batch ${batch}`)));
  const order = Array.from({ length: 600 }, (_, i) => (i * 7) % 200);
  const read = await Promise.all(order.map((batch) => logs.read({ batch, offset: 6, bytes: String(batch).length })));
  expect(read.map((text) => Number(new TextDecoder().decode(text)))).toEqual(order);
  expect(open.size).toBeLessThanOrEqual(24);
  for (let batch = 0; batch < 200; batch++) await logs.read({ batch, offset: 0, bytes: 5 });
  expect(open.size).toBeLessThanOrEqual(24);
  expect(most()).toBeLessThanOrEqual(200);
  await logs.close();
  expect(open.size).toBe(0);
});

it('sees what is appended while it reads, and nothing of what was there before it was emptied', async () => {
  const logs = new ResultLogs(memoryStore());
  await logs.use(0, async (log) => {
    await log.append(bytes('first'));
    expect(new TextDecoder().decode(await logs.read({ batch: 0, offset: 0, bytes: 5 }))).toBe('first');
    await log.append(bytes('second'));
    expect(new TextDecoder().decode(await logs.read({ batch: 0, offset: 3, bytes: 8 }))).toBe('stsecond');
  });
  await logs.empty(0);
  await logs.use(0, (log) => log.append(bytes('other')));
  expect(new TextDecoder().decode(await logs.read({ batch: 0, offset: 0, bytes: 5 }))).toBe('other');
});
