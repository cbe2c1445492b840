import { BLOCK_TRAITS, type PromptBlocks } from './prompt-blocks.ts';
import type { MarkerTtl } from './token-rates.ts';

/** A block as tests write one: what it says, how long it is, and what it may carry. */
export interface Block {
  readonly text: string;
  readonly tokens: number;
  readonly mark?: MarkerTtl | undefined;
  readonly markable?: boolean;
}

export const MODEL = 'claude-sonnet-4-5';

/** Blocks of prompts as intake would note them, with identities that are exact: no two prefixes share one. */
export function blocksOf(
  prompts: readonly (readonly Block[])[],
  model: (r: number) => string = () => MODEL,
): PromptBlocks {
  const total = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
  const models = [...new Set(prompts.map((_, r) => model(r)))];
  const blocks = {
    requestCount: prompts.length,
    firstBlock: new Uint32Array(prompts.length + 1),
    hash: new Float64Array(total),
    tokens: new Uint32Array(total),
    traits: new Uint8Array(total),
    model: new Uint16Array(prompts.length),
    models,
  };
  const identities = new Map<string, number>();
  let at = 0;
  prompts.forEach((prompt, r) => {
    blocks.model[r] = models.indexOf(model(r));
    let chain = blocks.model[r] as number;
    let tokens = 0;
    for (const block of prompt) {
      const key = `${chain} ${block.text}`;
      chain = identities.get(key) ?? (identities.size + 1) * SPREAD;
      identities.set(key, chain);
      blocks.hash[at] = chain;
      blocks.tokens[at] = tokens += block.tokens;
      blocks.traits[at++] = traitsOf(block);
    }
    blocks.firstBlock[r + 1] = at;
  });
  return blocks;
}

/** Makes identities look like hashes, which fill both halves of a number. */
const SPREAD = 0x9e37_79b1;

function traitsOf({ mark, markable = true }: Block): number {
  const marked = mark === undefined ? 0 : mark === '1h' ? BLOCK_TRAITS.marked1h : BLOCK_TRAITS.marked5m;
  return marked | (markable ? BLOCK_TRAITS.markable : 0);
}

/** Documents × questions: a shared block each, then one of its own per request. */
export function documentsAndQuestions(
  documents: number,
  questions: number,
  tokens: { readonly document: number; readonly question: number },
  mark?: MarkerTtl,
): Block[][] {
  return Array.from({ length: documents * questions }, (_, i) => [
    { text: `document ${Math.floor(i / questions)}`, tokens: tokens.document, mark },
    { text: `question ${i}`, tokens: tokens.question },
  ]);
}
