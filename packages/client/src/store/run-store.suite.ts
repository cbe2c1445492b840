import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalEntry } from '../journal/journal-entry.ts';
import type { ByteLog, RunStore } from './run-store.ts';

/** A store under test, and the same run as a later process would find it, where there is such a thing. */
export interface OpenStore {
  readonly store: RunStore;
  reopen?(): Promise<RunStore>;
  close(): Promise<void>;
}

const entry = (atMs: number): JournalEntry => ({ type: 'canceled', atMs });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = async (log: ByteLog, offset = 0, length = log.size - offset): Promise<string> =>
  new TextDecoder().decode(await log.read(offset, length));

/** What every store does, whatever it is made of. */
export function runStoreSuite(name: string, open: () => Promise<OpenStore>): void {
  describe(name, () => {
    let opened: OpenStore;
    let store: RunStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    const later = async (): Promise<RunStore> => (await opened.reopen?.()) ?? store;

    test('has no journal at first, and then every entry in its order', async () => {
      expect(await store.readJournal()).toEqual([]);
      const begun: JournalEntry = { type: 'begun', format: 1, atMs: 1, identity: { input: 'ä\n"' } };
      await store.appendJournal(begun);
      await Promise.all([store.appendJournal(entry(2)), store.appendJournal(entry(3))]);
      expect(await store.readJournal()).toEqual([begun, entry(2), entry(3)]);
      expect(await (await later()).readJournal()).toEqual([begun, entry(2), entry(3)]);
    });

    test('keeps a log byte for byte, whatever the pieces', async () => {
      const log = await store.openLog('requests');
      const pieces = Array.from({ length: 40 }, (_, i) => new Uint8Array(i * i * 700 + 1).fill(i + 1));
      const whole = Buffer.concat(pieces);
      for (const piece of pieces) await log.append(piece);
      expect(log.size).toBe(whole.length);
      expect(Buffer.from(await log.read(0, log.size)).equals(whole)).toBe(true);
      for (const [offset, length] of [
        [0, 1],
        [262_143, 2],
        [1_000_000, 700_000],
        [whole.length - 1, 1],
        [5, 0],
      ] as const) {
        expect(Buffer.from(await log.read(offset, length)).equals(whole.subarray(offset, offset + length))).toBe(true);
      }
      await log.close();
      const again = await (await later()).openLog('requests');
      expect(Buffer.from(await again.read(0, again.size)).equals(whole)).toBe(true);
      await again.close();
    });

    test('reads what was appended and not synced, also of calls that are in flight together', async () => {
      const log = await store.openLog('results-0');
      const appended = [log.append(bytes('one')), log.append(bytes('two'))];
      expect(await Promise.all([...appended, log.read(0, 6)])).toHaveLength(3);
      expect(await textOf(log)).toBe('onetwo');
      await log.close();
    });

    test('takes a copy of what is appended', async () => {
      const log = await store.openLog('results-0');
      const mine = bytes('before');
      await log.append(mine);
      mine.fill(0x21);
      expect(await textOf(log)).toBe('before');
      await log.close();
    });

    test('reads nothing beyond the end', async () => {
      const log = await store.openLog('results-0');
      await log.append(bytes('four'));
      await expect(log.read(1, 4)).rejects.toThrow();
      await expect(log.read(5, 0)).rejects.toThrow();
      await log.close();
    });

    test.each([0, 3, 300_000, 600_003])('cuts a log at %i, and goes on from there', async (size) => {
      const log = await store.openLog('batch-7');
      await log.append(new Uint8Array(600_000).fill(0x61));
      await log.sync();
      await log.append(bytes('end'));
      await log.truncate(size);
      expect(log.size).toBe(size);
      await log.append(bytes('and more'));
      expect(await textOf(log, size)).toBe('and more');
      await log.sync();
      await log.close();
      const again = await (await later()).openLog('batch-7');
      expect(again.size).toBe(size + 8);
      expect(await textOf(again, size)).toBe('and more');
      await again.close();
    });

    test('keeps logs apart, and opens each once at a time', async () => {
      const one = await store.openLog('batch-1');
      const other = await store.openLog('results-1');
      await one.append(bytes('plan'));
      expect(other.size).toBe(0);
      await expect(store.openLog('batch-1')).rejects.toThrow('open already');
      await one.close();
      const again = await store.openLog('batch-1');
      expect(again.size).toBe(4);
      await again.close();
      await other.close();
    });

    test('removes a log, also one that is not there', async () => {
      const log = await store.openLog('results-3');
      await log.append(bytes('x'));
      await log.close();
      await store.removeLog('results-3');
      await store.removeLog('results-3');
      const again = await (await later()).openLog('results-3');
      expect(again.size).toBe(0);
      await again.close();
    });

    test('forgets everything when it is cleared, and begins anew', async () => {
      await store.appendJournal(entry(1));
      for (const name of ['requests', 'batch-0', 'results-0'] as const) {
        const log = await store.openLog(name);
        await log.append(bytes('x'));
        await log.close();
      }
      await store.clear();
      expect(await store.readJournal()).toEqual([]);
      await store.appendJournal(entry(2));
      const reopened = await later();
      expect(await reopened.readJournal()).toEqual([entry(2)]);
      for (const name of ['requests', 'batch-0', 'results-0'] as const) {
        const log = await reopened.openLog(name);
        expect(log.size).toBe(0);
        await log.close();
      }
    });
  });
}
