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
  /** Byte offset of each `params` value in the body, which has at most 256 MB. */
  readonly paramsOffset: Uint32Array;
  /** Bytes of each `params` value. */
  readonly paramsBytes: Uint32Array;
  /** Bits `TRAIT_…` of each request; 0 where nothing is known, and whoever wants to know must look. */
  readonly traits: Uint8Array;
  readonly customIds: CustomIds;
}

/** The custom_ids of a batch, ASCII, back to back. Where one begins follows from the lengths of those before it. */
export class CustomIds {
  /** Bytes of each, 1 to 64. */
  readonly lengths: Uint8Array;
  readonly bytes: Uint8Array;
  /** Where every 64th begins: with all of them a request that waits would have four bytes more. */
  readonly #landmarks: Uint32Array;

  constructor(lengths: Uint8Array, bytes: Uint8Array) {
    this.lengths = lengths;
    this.bytes = bytes;
    this.#landmarks = landmarksOf(lengths);
  }

  /** The custom_id of a request: a view. */
  of(request: number): Uint8Array {
    const landmark = Math.floor(request / LANDMARK_IDS);
    let start = this.#landmarks[landmark] as number;
    for (let before = landmark * LANDMARK_IDS; before < request; before++) start += this.lengths[before] as number;
    return this.bytes.subarray(start, start + (this.lengths[request] as number));
  }
}

const LANDMARK_IDS = 64;

function landmarksOf(lengths: Uint8Array): Uint32Array {
  const landmarks = new Uint32Array(Math.ceil(lengths.length / LANDMARK_IDS));
  let start = 0;
  for (let request = 0; request < lengths.length; request++) {
    if (request % LANDMARK_IDS === 0) landmarks[request / LANDMARK_IDS] = start;
    start += lengths[request] as number;
  }
  return landmarks;
}
