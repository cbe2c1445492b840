import type { Problem } from '@batchwright/protocol';

/**
 * The one pass over untrusted JSON: bytes in, spans, hashes and verdict out. It resumes at any byte, builds no objects, and
 * agrees with `JSON.parse` on what is JSON (property: `scanner.property.test.ts`) but for one bound: more than
 * `NESTING_LIMIT` containers open at once are refused. Memory is fixed at creation.
 *
 * The pass itself is WebAssembly (`assembly/`). `BodyScanner` runs it over create bodies as they stream in, where it
 * also notes the blocks of each prompt; `outline` over one small complete object in memory.
 */

/** Containers that may be open at once, the document's own included. */
export const NESTING_LIMIT = 10_000;

/** What a finished pass over a create body found. */
export type BodyVerdict =
  | { readonly type: 'accepted'; readonly count: number }
  | { readonly type: 'refused'; readonly problem: Problem };
