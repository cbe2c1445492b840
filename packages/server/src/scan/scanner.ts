/**
 * The one pass over untrusted JSON: bytes in, spans and verdict out. It resumes at any byte, builds no objects, and
 * agrees with `JSON.parse` on what is JSON (property: `scanner.property.test.ts`). Memory is fixed at creation.
 */

/** What a finished pass over a create body found. */
export type BodyVerdict =
  | { readonly type: 'accepted'; readonly count: number }
  | { readonly type: 'refused'; readonly problem: import('@batchwright/protocol').Problem };
