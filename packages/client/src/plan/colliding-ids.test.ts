import { describe, expect, it, vi } from 'vitest';
import { memoryStore } from '../store/memory-store.ts';
import { openBook } from './request-book.ts';
import { bookOf, linesFrom, prepare, requestText, textOf } from './requests.fixture.ts';

// Ids whose hashes are the same cannot be found by trying, so here the hash is one that is easily the same.
vi.mock(import('./id-table.ts'), async (original) => ({
  ...(await original()),
  hashOfId: (id) => id.length % 3,
}));

const ids = Array.from({ length: 500 }, (_, i) => `r${i}`.padEnd((i % 7) + 5, '-'));

describe('ids with the same hash', () => {
  it('are told apart', async () => {
    const book = await bookOf(linesFrom(ids.map((id) => requestText(id, { id }))));
    expect(ids.map((id) => book.find(id))).toEqual([...ids.keys()]);
    expect(book.find('r500-')).toBe(-1);
  });

  it('are told apart after one was replaced', async () => {
    const store = memoryStore();
    const book = await bookOf(linesFrom(ids.map((id) => requestText(id, {}))), store);
    const text = requestText(ids[7] as string, { again: true });
    await book.replace(7, new TextEncoder().encode(text));
    await book.close();
    const again = await openBook(store);
    expect(textOf(await again.line(7))).toBe(text);
    expect(again.isReplaced(8)).toBe(false);
  });

  it('are no reason to refuse a request, and one that is there is', async () => {
    const texts = [...ids, ids[321] as string].map((id) => requestText(id, {}));
    await expect(prepare(memoryStore(), linesFrom(texts))).rejects.toThrow(
      /^prompts\.jsonl line 501: .*request 322 has/,
    );
  });
});
