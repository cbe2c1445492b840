import { CUSTOM_ID_BYTES, CUSTOM_ID_HASHES, CUSTOM_IDS, HASH_SEED, HASH_TABLE } from './layout';

/**
 * The custom_ids recorded so far, back to back, each with a hash. Whether one is there twice is asked once, of all of them
 * together: a table that is looked at between one request's bytes and the next one's is gone from the cache each time, and
 * so cost a tenth of the pass. Equal hashes prove nothing, so bytes are compared. The hash is keyed at random, since ids
 * are chosen by whoever sends the batch and could otherwise all be made to collide.
 */

let count: u32 = 0;
let storedBytes: u32 = 0;
let duplicateOffset: u32 = 0;

export function storedIdBytes(): u32 {
  return storedBytes;
}

/** Where the next id is to be written before it is added. */
export function nextIdAddress(): usize {
  return CUSTOM_IDS + storedBytes;
}

/** Adds the `length` bytes at `nextIdAddress`. */
export function addId(length: u32): void {
  store<u32>(hashAddress(count), <u32>hash(nextIdAddress(), length));
  store<u8>(CUSTOM_ID_BYTES + count, length);
  storedBytes += length;
  count++;
}

export function clearIds(): void {
  count = 0;
  storedBytes = 0;
}

/** Bytes of the first id that an earlier one equals; 0 when all are different. `duplicateIdOffset` says where it lies. */
export function findDuplicateId(): i32 {
  // At 100,000 ids 0.38 full, and never more than half.
  let slots: u32 = 16;
  while (slots < count * 2) slots <<= 1;
  memory.fill(HASH_TABLE, 0, (<usize>slots) << 2);
  for (let id: u32 = 0; id < count; id++) {
    if (!isNew(id, slots - 1)) return load<u8>(CUSTOM_ID_BYTES + id);
  }
  return 0;
}

/** Where in `CUSTOM_IDS` the id lies that `findDuplicateId` found. */
export function duplicateIdOffset(): u32 {
  return duplicateOffset;
}

/** Takes the id into the table, where a slot holds the number of an id plus one; false when its like is there. */
function isNew(id: u32, mask: u32): bool {
  const own = load<u32>(hashAddress(id));
  let slot = own & mask;
  for (;;) {
    const holder = load<u32>(HASH_TABLE + ((<usize>slot) << 2));
    if (holder == 0) break;
    if (load<u32>(hashAddress(holder - 1)) == own && equals(holder - 1, id)) return false;
    slot = (slot + 1) & mask;
  }
  store<u32>(HASH_TABLE + ((<usize>slot) << 2), id + 1);
  return true;
}

/** Where they lie is added up: hashes that are equal for no reason are one or two of a full batch's. */
function equals(earlier: u32, id: u32): bool {
  const length: u32 = load<u8>(CUSTOM_ID_BYTES + id);
  if (load<u8>(CUSTOM_ID_BYTES + earlier) != length) return false;
  duplicateOffset = offsetOf(id);
  return memory.compare(CUSTOM_IDS + offsetOf(earlier), CUSTOM_IDS + duplicateOffset, length) == 0;
}

function offsetOf(id: u32): u32 {
  let offset: u32 = 0;
  for (let before: u32 = 0; before < id; before++) offset += load<u8>(CUSTOM_ID_BYTES + before);
  return offset;
}

function hashAddress(id: u32): usize {
  return CUSTOM_ID_HASHES + ((<usize>id) << 2);
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
