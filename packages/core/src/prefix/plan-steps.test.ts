import { describe, expect, it, vi } from 'vitest';
import { finishSteps, type Steps } from '../steps.ts';
import { chooseMarked } from './marker-choice.ts';
import { planInSteps, planPrefixes, type PlanOptions } from './plan-prefixes.ts';
import { BLOCK_TRAITS, type PromptBlocks } from './prompt-blocks.ts';
import { COMMON_RATES } from './token-rates.ts';

/** Requests of five blocks: one that all share, three that some share, and one of their own; marked here and there. */
function prompts(requestCount: number): PromptBlocks {
  const each = 5;
  const blocks = requestCount * each;
  const request = (block: number): number => Math.floor(block / each);
  const shared = (block: number): number => [1, 3, 30, 300, Infinity][block % each] as number;
  const hash = (block: number): number => {
    const kinds = shared(block);
    return (block % each) * 1e9 + (kinds === Infinity ? request(block) : request(block) % kinds);
  };
  const mark = (block: number): number => (block % 7 === 0 ? BLOCK_TRAITS.marked5m : 0) | BLOCK_TRAITS.markable;
  return {
    requestCount,
    firstBlock: Uint32Array.from({ length: requestCount + 1 }, (_, r) => r * each),
    hash: Float64Array.from({ length: blocks }, (_, block) => hash(block)),
    tokens: Uint32Array.from({ length: blocks }, (_, block) => 1500 * ((block % each) + 1)),
    traits: Uint8Array.from({ length: blocks }, (_, block) => mark(block)),
    model: new Uint16Array(requestCount),
    models: ['m'],
  };
}

function looksOf(steps: Steps<unknown>): readonly number[] {
  const looks: number[] = [];
  for (let step = steps.next(); step.done !== true; step = steps.next()) looks.push(step.value);
  return looks;
}

const MODES: readonly [string, PlanOptions][] = [
  ['auto', { markers: 'auto', profile: 'required', minimumTokens: () => 1024 }],
  ['respect', { markers: 'respect', profile: 'required', minimumTokens: () => 1024 }],
  ['auto, where nothing needs marking', { markers: 'auto', profile: 'ignored', minimumTokens: () => 1024 }],
];

describe('a plan made in steps', () => {
  it.each(MODES)('in the mode %s never looks at more at once than the trie has nodes', (_, options) => {
    const blocks = prompts(20_000);
    // One node for each prompt's own block, and the shared ones, which are few.
    const nodes = 20_000 + 1 + 3 + 30 + 300;
    const looks = looksOf(planInSteps(blocks, options));
    expect(Math.max(...looks)).toBeLessThanOrEqual(nodes);
    expect(looks.length).toBeGreaterThan(20);
  });

  it.each(MODES)('in the mode %s is the plan made at once', (_, options) => {
    const blocks = prompts(3_000);
    const steps = planInSteps(blocks, options);
    let step = steps.next();
    while (step.done !== true) {
      // Another plan is made in between, so that steps that shared anything would show.
      planPrefixes(prompts(10), options);
      step = steps.next();
    }
    expect(step.value).toEqual(planPrefixes(blocks, options));
  });

  it('weighs many candidates under few markers step by step', () => {
    const count = 20_000;
    const tree = {
      count,
      parent: Int32Array.from({ length: count }, (_, v) => (v % 10 === 0 ? -1 : v - 1)),
      tokens: Uint32Array.from({ length: count }, (_, v) => 1000 * ((v % 10) + 1)),
      requests: new Uint32Array(count).fill(3),
      ttl: new Uint8Array(count),
      direct: new Uint32Array(count).fill(1),
      warm: new Uint8Array(count),
      forced: new Uint8Array(count),
      capacity: new Uint8Array(count).fill(4),
    };
    const looks = looksOf(chooseMarked(tree, COMMON_RATES));
    expect(looks.length).toBeGreaterThan(30);
    expect(finishSteps(chooseMarked(tree, COMMON_RATES)).reduce((sum, bit) => sum + bit, 0)).toBe((count / 10) * 4);
  });
});

describe('the memory that planning takes', () => {
  /** Bytes of all typed arrays that are made meanwhile, copies and views aside. */
  function bytesMade(make: () => unknown): number {
    let bytes = 0;
    for (const name of ['Uint8Array', 'Uint16Array', 'Uint32Array', 'Int32Array', 'Float64Array'] as const) {
      const Numbers = globalThis[name];
      vi.stubGlobal(
        name,
        new Proxy(Numbers, {
          construct(target, [length]: [number]) {
            bytes += length * target.BYTES_PER_ELEMENT;
            return new target(length);
          },
        }),
      );
    }
    try {
      make();
    } finally {
      vi.unstubAllGlobals();
    }
    return bytes;
  }

  it('is 24 bytes a request at most where no two prompts begin alike', () => {
    const requestCount = 32_768;
    const blocks: PromptBlocks = {
      ...prompts(requestCount),
      hash: Float64Array.from({ length: 5 * requestCount }, (_, block) => block),
    };
    for (const [, options] of MODES) {
      expect(bytesMade(() => planPrefixes(blocks, options))).toBeLessThanOrEqual(24 * requestCount);
    }
    expect(bytesMade(() => planPrefixes(prompts(1000), MODES[0]![1]))).toBeGreaterThan(24 * 1000);
  });
});
