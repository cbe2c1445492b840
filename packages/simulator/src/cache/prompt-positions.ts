import { Hasher } from '../hash.ts';
import type { PromptBlock, Tier } from '../prompt/prompt.ts';
import type { CacheRequest } from './prompt-cache.ts';
import type { Salts } from './salts.ts';

const TIERS: readonly Tier[] = ['tools', 'system', 'messages'];

/** The positions of a prompt: each block's hash is chained to all before it, and to the salts of its tier and those above. */
export function positionsOf(
  blocks: readonly PromptBlock[],
  salts: Salts,
): Pick<CacheRequest, 'hashes' | 'tokens' | 'contents'> {
  const hashes = new Float64Array(blocks.length);
  const contents = new Float64Array(blocks.length);
  const tokens = new Float64Array(blocks.length);
  const salted = new Hasher(0);
  const plain = new Hasher(0);
  let tier = -1;
  let total = 0;
  blocks.forEach((block, position) => {
    for (const own = TIERS.indexOf(block.tier); tier < own;) salted.text(salts[TIERS[++tier]!]);
    for (const chain of [salted, plain]) chain.text(block.tier).text(block.role).integer53(block.hash);
    total += block.tokens;
    hashes[position] = salted.word53();
    contents[position] = plain.word53();
    tokens[position] = total;
  });
  return { hashes, contents, tokens };
}
