import fc from 'fast-check';
import type { PathRequest } from './plan.fixture.ts';

/** Prompts that share: up to 120 of them, up to 6 blocks each, of one to four sorts in each place. */
export const tries: fc.Arbitrary<PathRequest[]> = fc.integer({ min: 0, max: 3 }).chain((fan) => {
  const request = fc.record({
    path: fc.array(fc.nat(fan), { maxLength: 6, size: 'max' }),
    suffixTokens: fc.integer({ min: 1, max: 1000 }),
  });
  const requests = fc.array(request, { minLength: 1, maxLength: 120, size: 'max' });
  return fc.tuple(requests, fc.nat(1_000_000)).map(([each, salt]) =>
    each.map(({ path, suffixTokens }) => ({
      path: path.map((_, at) => blockName(path.slice(0, at + 1), salt)),
      suffixTokens,
    })),
  );
});

/** A block of the same name has the same size: from 100 to 30,000 tokens, small ones more often. */
function blockName(path: readonly number[], salt: number): string {
  const name = path.join('.');
  let hash = salt;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  const share = (hash >>> 8) / 2 ** 24;
  return `${name}:${100 + Math.floor(share * share * 29_900)}`;
}
