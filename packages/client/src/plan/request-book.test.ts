import { describe, expect, it } from 'vitest';
import { memoryStore } from '../store/memory-store.ts';
import type { RunStore } from '../store/run-store.ts';
import { BadRequestsError, type BulkRequest } from './bulk-request.ts';
import { openBook } from './request-book.ts';
import { bookOf, linesFrom, prepare, requestText, textOf } from './requests.fixture.ts';

const REQUESTS = linesFrom(['a', 'b', 'c'].map((id) => requestText(id, { n: 1.5 })));

async function tampered(change: (store: RunStore) => Promise<void>): Promise<Error> {
  const store = memoryStore();
  await prepare(store, REQUESTS);
  await change(store);
  return openBook(store).then(
    () => new Error('The book was opened.'),
    (error: unknown) => error as Error,
  );
}

async function rewrite(store: RunStore, change: (text: string) => string): Promise<void> {
  const log = await store.openLog('requests');
  const text = textOf(await log.read(0, log.size));
  await log.truncate(0);
  await log.append(new TextEncoder().encode(change(text)));
  await log.close();
}

async function append(store: RunStore, text: string): Promise<void> {
  await rewrite(store, (there) => there + text);
}

async function logText(store: RunStore): Promise<string> {
  const log = await store.openLog('requests');
  const text = textOf(await log.read(0, log.size));
  await log.close();
  return text;
}

async function refusal(requests: Iterable<BulkRequest>): Promise<string> {
  return prepare(memoryStore(), requests).then(
    () => 'taken',
    (error: unknown) => String(error),
  );
}

describe('a book', () => {
  it('has every line as it came, by its number and by its custom_id', async () => {
    const book = await bookOf(REQUESTS);
    expect(book.count).toBe(3);
    for (const [number, { line }] of REQUESTS.entries()) {
      expect(textOf(await book.line(number))).toBe(textOf(line));
      expect(book.bytes(number)).toBe(line.length);
    }
    expect(['a', 'b', 'c', 'd', ''].map((id) => book.find(id))).toEqual([0, 1, 2, -1, -1]);
  });

  it('takes objects and lines, from what comes at once and from what comes later', async () => {
    async function* later(): AsyncGenerator<BulkRequest> {
      yield { custom_id: 'a', params: { text: 'ü' } };
      yield* linesFrom([' {"params" :{}, "custom_id":"b"} \r']);
    }
    const store = memoryStore();
    await prepare(store, later());
    expect(await logText(store)).toBe('{"custom_id":"a","params":{"text":"ü"}}\n{"params" :{}, "custom_id":"b"}\n');
  });

  it('keeps requests larger than what is read in one go', async () => {
    const texts = ['a', 'b', 'c'].map((id) => requestText(id, { text: id.repeat(1_500_000) }));
    const book = await bookOf(linesFrom([...texts, requestText('d', {})]));
    expect(textOf(await book.line(1))).toBe(texts[1]);
    expect(book.find('d')).toBe(3);
  });

  it('replaces a request by what it shall be from now on, after it was opened again too', async () => {
    const store = memoryStore();
    await prepare(store, REQUESTS);
    const [first, second] = [requestText('b', { try: 1 }), requestText('b', { try: 2 })];
    const book = await openBook(store);
    await book.replace(1, new TextEncoder().encode(first));
    await book.replace(1, new TextEncoder().encode(second));
    await book.sync();
    expect([0, 1, 2].map((request) => book.isReplaced(request))).toEqual([false, true, false]);
    expect(textOf(await book.line(1))).toBe(second);
    await book.close();
    const again = await openBook(store);
    expect([0, 1, 2].map((request) => again.isReplaced(request))).toEqual([false, true, false]);
    expect(textOf(await again.line(1))).toBe(second);
    expect(again.bytes(1)).toBe(second.length);
    expect([again.count, again.find('b')]).toEqual([3, 1]);
  });

  it('replaces none by what could not be run, nor by another', async () => {
    const book = await bookOf(REQUESTS);
    const replaceBy = (text: string) => book.replace(1, new TextEncoder().encode(text));
    await expect(replaceBy('{"custom_id":"b"}')).rejects.toThrow('what replaces request 2: params: Field required');
    await expect(replaceBy(requestText('c', {}))).rejects.toThrow("replaced by another's");
  });

  it.each([
    ['a line that was cut off', '{"custom_id":"b","para'],
    ['bytes that never became a line', '\0\0\0\0\n'],
    ['a request that the run does not have', `${requestText('x', {})}\n${requestText('b', { try: 2 })}\n`],
  ])('takes away %s behind what was prepared', async (_, tail) => {
    const store = memoryStore();
    await prepare(store, REQUESTS);
    const replacement = `${requestText('b', { try: 1 })}\n`;
    const whole = (await logText(store)) + replacement;
    await append(store, replacement + tail);
    const book = await openBook(store);
    expect(textOf(await book.line(1))).toBe(replacement.trim());
    await book.close();
    expect(await logText(store)).toBe(whole);
  });
});

describe('a damaged log of requests', () => {
  it.each([
    ['cut short', (text: string) => text.slice(0, -5), 'it has 241 bytes of 246'],
    ['with fewer lines', (text: string) => text.replace('}\n', '} '), 'its line 1 is no request'],
    ['with a line that is none', (text: string) => text.replace('{"custom_id":"b"', '["custom_id":"b"'), 'line 2'],
    ['with an id twice', (text: string) => text.replace('"b"', '"a"'), 'lines 1 and 2 are of one custom_id, a'],
  ])('is not opened: %s', async (_, change, words) => {
    const { message } = await tampered((store) => rewrite(store, change));
    expect(message).toContain("The log of the run's requests is damaged: ");
    expect(message).toContain(words);
    expect(message).toContain('begin it anew');
  });
});

describe('requests that cannot be run', () => {
  it('are named, the first ten with their lines, and the others counted', async () => {
    const texts = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? requestText(`r${i}`, {}) : '{}'));
    const message = await refusal(linesFrom(texts));
    const lines = message.split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[0]).toMatch(/^BadRequestsError: prompts\.jsonl line 2: custom_id: Field required/);
    expect(lines[9]).toMatch(/^prompts\.jsonl line 20: /);
    expect(lines[10]).toBe('… and 5 more.');
  });

  it('are told beside what their source found wrong with its own', async () => {
    function* source(): Generator<BulkRequest> {
      yield* linesFrom([requestText('a', {}), requestText('a', {})]);
      throw new BadRequestsError('rows.csv line 4 makes an empty prompt.');
    }
    expect((await refusal(source())).split('\n')).toEqual([
      'BadRequestsError: rows.csv line 4 makes an empty prompt.',
      expect.stringMatching(/^prompts\.jsonl line 2: .*request 1 has it too/),
    ]);
  });

  it('end the reading of their source', async () => {
    let isEnded = false;
    async function* source(): AsyncGenerator<BulkRequest> {
      try {
        for (;;) yield { custom_id: '', params: {} };
      } finally {
        isEnded = true;
      }
    }
    await expect(prepare(memoryStore(), source())).rejects.toThrow(
      'custom_id: String should have at least 1 character',
    );
    expect(isEnded).toBe(true);
  });

  it('may be the same request twice, however far apart, and whatever was wrong between', async () => {
    const texts = Array.from({ length: 20_000 }, (_, i) => requestText(`r${i}`, { text: 'some words' }));
    texts[5] = '{}';
    texts[19_999] = requestText('r17', {});
    const lines = (await refusal(linesFrom(texts))).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe(
      "prompts.jsonl line 20000: custom_id's must be unique within a batch. Duplicate custom_id found: r17; " +
        'request 18 has it too. Give every request an id of its own.',
    );
  });

  it('are none at all', async () => {
    expect(await refusal([])).toBe('BadRequestsError: There are no requests: the input is empty.');
  });

  it('leave nothing behind that a later reading would take for its own', async () => {
    const store = memoryStore();
    await expect(prepare(store, linesFrom([requestText('x', {}), '{}']))).rejects.toThrow('line 2');
    await prepare(store, REQUESTS);
    expect((await openBook(store)).find('x')).toBe(-1);
  });
});

describe('reading requests', () => {
  it('stops when it is told to', async () => {
    const controller = new AbortController();
    function* source(): Generator<BulkRequest> {
      for (let i = 0; ; i++) {
        if (i === 5000) controller.abort(new Error('enough'));
        yield { custom_id: `r${i}`, params: { text: 'x'.repeat(100) } };
      }
    }
    await expect(prepare(memoryStore(), source(), { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('fails as its source does', async () => {
    async function* source(): AsyncGenerator<BulkRequest> {
      yield { custom_id: 'a', params: {} };
      throw new Error('the disk is gone');
    }
    await expect(prepare(memoryStore(), source())).rejects.toThrow('the disk is gone');
  });

  it('tells how far it is', async () => {
    const told: number[] = [];
    const source = Array.from({ length: 9_000 }, (_, i): BulkRequest => ({
      custom_id: `r${i}`,
      params: { x: 'x'.repeat(100) },
    }));
    await prepare(memoryStore(), source, { onRead: (requests) => told.push(requests) });
    expect(told.length).toBeGreaterThan(2);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });
});
