import { capturedBytes, decodeIdentifier } from './capture';
import { avalanche, hashOf, mix } from './digest';
import { DECODED_KEY, DECODED_WORD_CHARACTERS, KEY_CAPTURE, SALTS, SALTS_MAXIMUM } from './layout';

/**
 * The root's salt: all members of params that are not known to have no part in the prompt, in whatever order they come.
 * Doubt makes salts differ. A prefix taken for two that is one costs a second write; the other way around, every
 * request released to read it would miss.
 */

const SALT_BYTES: usize = 16;

let count: i32 = 0;
/** Members whose keys are not known to differ from one another, or are too many; in order. */
let others: u64 = 0;

export function clearSalts(): void {
  count = 0;
  others = 0;
}

/** What stands for the key in `KEY_CAPTURE` however it is spelled; 0 when it is none that the API could know. */
export function capturedKeyIdentity(): u64 {
  const length = decodeIdentifier(KEY_CAPTURE, capturedBytes(), DECODED_KEY, DECODED_WORD_CHARACTERS);
  return length < 0 ? 0 : hashOf(DECODED_KEY, length);
}

/** Of a key given twice the last counts. `spelling` is the key's hash as spelled, heeded where it has no identity. */
export function salt(identity: u64, spelling: u64, value: u64): void {
  if (identity != 0) {
    for (let i: i32 = 0; i < count; i++) {
      if (load<u64>(saltAddress(i)) != identity) continue;
      store<u64>(saltAddress(i), value, 8);
      return;
    }
    if (count < SALTS_MAXIMUM) {
      store<u64>(saltAddress(count), identity);
      store<u64>(saltAddress(count), value, 8);
      count++;
      return;
    }
  }
  others = mix(others, mix(spelling, value));
}

export function rootSalt(): u64 {
  let sum = others;
  for (let i: i32 = 0; i < count; i++) {
    sum += avalanche(mix(load<u64>(saltAddress(i)), load<u64>(saltAddress(i), 8)));
  }
  return sum;
}

function saltAddress(i: i32): usize {
  return SALTS + <usize>i * SALT_BYTES;
}
