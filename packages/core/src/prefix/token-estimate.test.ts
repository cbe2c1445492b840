import { describe, expect, it } from 'vitest';
import { tokenEstimator, type BlockSize } from './token-estimate.ts';

const size = (parts: Partial<BlockSize>): BlockSize => ({
  textBytes: 0,
  images: 0,
  documents: 0,
  documentBytes: 0,
  ...parts,
});

const textTokens = (model: string, textBytes: number): number => tokenEstimator(model)(size({ textBytes }));

describe('an estimate of tokens', () => {
  it('takes four bytes for a token, begun ones included', () => {
    expect([0, 1, 4, 5, 4000].map((bytes) => textTokens('claude-sonnet-4-5', bytes))).toEqual([0, 1, 1, 2, 1000]);
  });

  it.each([
    'claude-opus-4-7',
    'claude-opus-4-8',
    'claude-sonnet-5',
    'claude-haiku-5-5',
    'claude-opus-5-20260528',
    'claude-mythos-preview',
    'anthropic.claude-opus-4-7-v1:0',
    'claude-fable-5-1@20260915',
    'claude-opus-4-10',
  ])('takes 30 %% more for %s', (model) => {
    expect(textTokens(model, 4000)).toBe(1300);
  });

  it.each([
    'claude-opus-4-6',
    'claude-sonnet-4-5-20250929',
    'claude-opus-4-20250514',
    'claude-opus-4-0',
    'claude-3-7-sonnet-latest',
    'claude-3-opus-20240229',
    'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'claude-sonnet-4-5@20250929',
    'local-model-7',
    '',
  ])('takes no more for %s', (model) => {
    expect(textTokens(model, 4000)).toBe(1000);
  });

  it('counts pictures and pages beside the text, whatever the tokenizer', () => {
    for (const model of ['claude-sonnet-4-5', 'claude-sonnet-5']) {
      const tokens = tokenEstimator(model);
      expect(tokens(size({ images: 2 }))).toBe(3200);
      expect(tokens(size({ documents: 1, documentBytes: 10 }))).toBe(1500);
      expect(tokens(size({ documents: 1, documentBytes: 65_537 }))).toBe(3000);
      expect(tokens(size({ documents: 3 }))).toBe(4500);
    }
    expect(textTokens('claude-sonnet-5', 7)).toBe(3);
  });
});
