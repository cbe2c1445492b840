import type { PromptBlocks, RequestNotes } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { ScannedParts } from './scanned-parts.ts';

/** Requests of `blocks` blocks each, four tokens a block, of which all but the last are shared. */
function part(requests: number, blocks: number, models: readonly string[]): [PromptBlocks, RequestNotes] {
  const count = requests * blocks;
  const isLast = (block: number): boolean => block % blocks === blocks - 1;
  return [
    {
      requestCount: requests,
      firstBlock: Uint32Array.from({ length: requests + 1 }, (_, r) => r * blocks),
      hash: Float64Array.from({ length: count }, (_, b) => (isLast(b) ? count + b : b % blocks)),
      tokens: Uint32Array.from({ length: count }, (_, b) => 4 * ((b % blocks) + 1)),
      traits: new Uint8Array(count).fill(4),
      model: Uint16Array.from({ length: requests }, (_, r) => r % models.length),
      models,
    },
    {
      maxTokens: new Uint32Array(requests).fill(300),
      toolCount: new Uint16Array(requests),
      toolSet: new Float64Array(requests),
    },
  ];
}

describe('parts of a scan', () => {
  it('number their models alike', () => {
    const parts = new ScannedParts();
    parts.add(...part(2, 1, ['a', 'b']));
    parts.add(...part(3, 1, ['b', 'c', '']));
    const { blocks } = parts.join();
    expect([...blocks.model].map((model) => blocks.models[model])).toEqual(['a', 'b', 'b', 'c', '']);
  });

  it('beyond four million blocks count a prompt as one, and share nothing of it', () => {
    const parts = new ScannedParts();
    parts.add(...part(39, 100_000, ['m']));
    parts.add(...part(2, 100_000, ['m']));
    const { blocks } = parts.join();
    expect(blocks.hash).toHaveLength(3_900_002);
    expect([...blocks.firstBlock.slice(-3)]).toEqual([3_900_000, 3_900_001, 3_900_002]);
    expect([...blocks.tokens.slice(-2)]).toEqual([400_000, 400_000]);
    // Nothing that no marker can be on is ever shared.
    expect([...blocks.traits.slice(-3)]).toEqual([4, 0, 0]);
  });

  it('name 65,536 models at most', () => {
    const parts = new ScannedParts();
    const names = (from: number): readonly string[] => Array.from({ length: 40_000 }, (_, i) => `m${from + i}`);
    parts.add(...part(40_000, 1, names(0)));
    parts.add(...part(40_000, 1, names(40_000)));
    const { blocks } = parts.join();
    expect(blocks.models).toHaveLength(65_536);
    expect(blocks.models[blocks.model[65_534] as number]).toBe('m65534');
    expect(blocks.models[blocks.model[65_535] as number]).toBe('');
    expect(blocks.models[blocks.model[79_999] as number]).toBe('');
  });
});
