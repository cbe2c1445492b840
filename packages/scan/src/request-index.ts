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
  /** All custom_ids, ASCII, back to back. */
  readonly customIds: Uint8Array;
}
