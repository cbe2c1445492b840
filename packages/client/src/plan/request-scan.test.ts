import { describe, expect, it } from 'vitest';
import { RequestScan } from './request-scan.ts';
import { lineFrom, linesFrom, questionAbout, requestText } from './requests.fixture.ts';

describe('a scan', () => {
  it('notes the prompts of more requests than a body may hold, as if it were one', () => {
    const scan = new RequestScan();
    const count = 100_003;
    const faults = Array.from({ length: count }, (_, i) =>
      scan.add(lineFrom(requestText(`r${i}`, questionAbout(`document ${i % 2}`, `question ${i}`), `model-${i % 3}`))),
    );
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
    const { blocks, notes, ids } = scan.finish();
    expect(blocks.requestCount).toBe(count);
    expect(blocks.firstBlock).toHaveLength(count + 1);
    expect([blocks.firstBlock.at(-1), blocks.hash.length]).toEqual([2 * count, 2 * count]);
    // The same model and document, in the first body and in the second.
    expect(blocks.hash[2 * 100_002]).toBe(blocks.hash[0]);
    expect(blocks.hash[2 * 100_002]).not.toBe(blocks.hash[2 * 100_001]);
    expect([...blocks.model.subarray(100_000)].map((model) => blocks.models[model])).toEqual([
      'model-1',
      'model-2',
      'model-0',
    ]);
    expect(notes.maxTokens.every((tokens) => tokens === 300)).toBe(true);
    expect(ids.at(100_002)).toBe('r100002');
  });

  it('notes the same of a large request, which is fed in pieces', () => {
    const document = 'x'.repeat(1_000_000);
    const scan = new RequestScan();
    for (const id of ['a', 'b'])
      scan.add({ custom_id: id, params: questionAbout(document, id) as Record<string, unknown> });
    const { blocks } = scan.finish();
    expect([...blocks.tokens]).toEqual([250_000, 250_001, 250_000, 250_001]);
    expect(blocks.hash[0]).toBe(blocks.hash[2]);
  });

  it('names every fault, duplicates with the request they repeat', () => {
    const scan = new RequestScan();
    const faults = linesFrom([
      requestText('a', {}),
      requestText('b', {}),
      '{"custom_id":"c"}',
      requestText('b', {}),
      requestText('d', {}),
      requestText('d', {}),
    ]).map((line) => scan.add(line)?.message ?? null);
    expect(faults).toEqual([
      null,
      null,
      'prompts.jsonl line 3: params: Field required. A request is {"custom_id":…,"params":{…}}.',
      "prompts.jsonl line 4: custom_id's must be unique within a batch. Duplicate custom_id found: b; request 2 has it too. Give every request an id of its own.",
      null,
      "prompts.jsonl line 6: custom_id's must be unique within a batch. Duplicate custom_id found: d; request 5 has it too. Give every request an id of its own.",
    ]);
    expect(() => scan.finish()).toThrow('a scan that found a fault');
  });

  it('of nothing is nothing', () => {
    expect(new RequestScan().finish().blocks.requestCount).toBe(0);
  });
});
