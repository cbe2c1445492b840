/**
 * Of a request: its params plainly break no rule that a batch applies by itself, under any API version; under
 * 2026-10-21 only if `TRAIT_DOCUMENTS` is not set. `model` and `messages` are there, `max_tokens` is a whole number from 1,
 * every other key is one that no rule speaks of, no tool or block carries `cache_control`, and nothing is spelled `\u`.
 */
export const TRAIT_PLAIN = 1;
/** Of a request: some block has the type `document` or a key `citations`, which version 2026-10-21 has rules for. */
export const TRAIT_DOCUMENTS = 2;

/** Where each request lies in the body: a struct of arrays, one entry per request, in submission order. */
export interface RequestIndex {
  readonly count: number;
  /** Byte offset of each `params` value in the body. */
  readonly paramsOffset: Float64Array;
  /** Bytes of each `params` value. */
  readonly paramsBytes: Uint32Array;
  /** Byte offset of each custom_id in `customIds`. */
  readonly customIdOffset: Uint32Array;
  /** Bytes of each custom_id, 1 to 64. */
  readonly customIdBytes: Uint8Array;
  /** Bits `TRAIT_…` of each request; 0 where nothing is known, and whoever wants to know must look. */
  readonly traits: Uint8Array;
  /** All custom_ids, ASCII, back to back. */
  readonly customIds: Uint8Array;
}
