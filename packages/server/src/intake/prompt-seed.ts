import { createHash } from 'node:crypto';

/**
 * What the betas of a call have to do with its prompts' hashes: they may change how a prompt is rendered, and nobody but
 * the upstream knows which do.
 */
export function promptSeed(betas: readonly string[]): bigint {
  const names = [...new Set(betas)].sort().join(',');
  return createHash('sha256').update(names).digest().readBigUInt64LE();
}
