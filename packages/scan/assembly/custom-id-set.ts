import {
  CUSTOM_ID_BYTES,
  CUSTOM_ID_OFFSETS,
  CUSTOM_ID_SLOTS,
  CUSTOM_IDS,
  HASH_SEED,
  HASH_SLOTS,
  HASH_TABLE,
} from './layout';

/**
 * The custom_ids recorded so far, back to back, with a hash table over them. Slots hold the index of a request plus
 * one; equal hashes prove nothing, so bytes are compared. The hash is keyed at random, since ids are chosen by whoever
 * sends the batch and could otherwise all be made to collide.
 */

let storedBytes: u32 = 0;

export function storedIdBytes(): u32 {
  return storedBytes;
}

/** Where the next id is to be written before it is added. */
export function nextIdAddress(): usize {
  return CUSTOM_IDS + storedBytes;
}

/** Adds the `length` bytes at `nextIdAddress` as the id of `request`; false, and not added, when the id is there. */
export function addId(request: i32, length: u32): bool {
  const id = nextIdAddress();
  let slot = <u32>hash(id, length) & (HASH_SLOTS - 1);
  for (;;) {
    const holder: u32 = load<u32>(HASH_TABLE + ((<usize>slot) << 2));
    if (holder == 0) break;
    if (holds(holder - 1, id, length)) return false;
    slot = (slot + 1) & (HASH_SLOTS - 1);
  }
  store<u32>(HASH_TABLE + ((<usize>slot) << 2), request + 1);
  store<u32>(CUSTOM_ID_SLOTS + ((<usize>request) << 2), slot);
  store<u32>(CUSTOM_ID_OFFSETS + ((<usize>request) << 2), storedBytes);
  store<u8>(CUSTOM_ID_BYTES + request, length);
  storedBytes += length;
  return true;
}

/** Keeps the `length` bytes at `nextIdAddress` without adding them, so that the next id does not overwrite them. */
export function keepId(length: u32): void {
  storedBytes += length;
}

/** Forgets the ids of the first `count` requests. Costs what adding them cost, not the size of the table. */
export function clearIds(count: i32): void {
  for (let request: i32 = 0; request < count; request++) {
    store<u32>(HASH_TABLE + ((<usize>load<u32>(CUSTOM_ID_SLOTS + ((<usize>request) << 2))) << 2), 0);
  }
  storedBytes = 0;
}

function holds(request: u32, id: usize, length: u32): bool {
  if (load<u8>(CUSTOM_ID_BYTES + request) != length) return false;
  const other = CUSTOM_IDS + load<u32>(CUSTOM_ID_OFFSETS + ((<usize>request) << 2));
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(other + at) != load<u64>(id + at)) return false;
  return lastWord(other + at, length - at) == lastWord(id + at, length - at);
}

/** The `count` < 8 bytes at `at` as a little-endian number; may read, but does not heed, the bytes behind them. */
function lastWord(at: usize, count: u32): u64 {
  return load<u64>(at) & (((<u64>1) << (count << 3)) - 1);
}

/**
 * SipHash-1-3. The words are absorbed with one round each and followed by three rounds that absorb nothing, so one loop
 * runs all of them and its state stays in locals.
 */
function hash(at: usize, length: u32): u64 {
  const k0 = load<u64>(HASH_SEED);
  const k1 = load<u64>(HASH_SEED, 8);
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const whole = length >> 3;
  const last = lastWord(at + (whole << 3), length & 7) | ((<u64>length) << 56);
  for (let i: u32 = 0; i < whole + 4; i++) {
    const word: u64 = i < whole ? load<u64>(at + ((<usize>i) << 3)) : i == whole ? last : 0;
    v3 ^= word;
    if (i == whole + 1) v2 ^= 0xff;
    v0 += v1;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v0 = rotl<u64>(v0, 32);
    v2 += v3;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v2 = rotl<u64>(v2, 32);
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
