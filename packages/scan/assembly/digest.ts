import { isDigit, ZERO } from './characters';
import { DIGEST_REST, DIGEST_STRIPE } from './layout';

/**
 * Hashes of parts of the body, made while the body streams by, over the part's bytes without the whitespace between its
 * tokens. One part at a time; parts may straddle chunks, and the answer never depends on how the body was cut. Not for use
 * where collisions could be profitable: whoever makes two prompts collide only spoils the plan of a batch of their own.
 *
 * A short part has the 64-bit hash known as XXH64. A longer one is summed up by stripes, as XXH3 does it: each 32 bits are
 * mixed with a key that no other place has, multiplied with the 32 bits 16 bytes on, and added to one of eight lanes; to
 * another lane they are added as they are, so that a factor of zero hides nothing. That takes a vector's multiplication for
 * 16 bytes where XXH64 takes four of a number's: half the time. Plans keep hashes only to compare them with
 * one another, so a hash may change: what an older plan names is then taken for a prefix of its own.
 */

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

/** Bytes that go into the lanes at a time; a part that has fewer is short. */
const STRIPE_BYTES: u32 = 64;

/** Fewer digits has any number that means something, and all of them are kept. */
const NUMBER_BYTES: u32 = 32;

/** What the first stripe is mixed with, digits of pi; and what is added for each stripe after it. */
const KEYS_A: v128 = i64x2(0x243f6a8885a308d3, 0x13198a2e03707344);
const KEYS_B: v128 = i64x2(0xa4093822299f31d0, 0x082efa98ec4e6c89);
const KEYS_C: v128 = i64x2(0x452821e638d01377, 0xbe5466cf34e90c6c);
const KEYS_D: v128 = i64x2(0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917);
const NEXT_KEYS: v128 = i64x2(0x9e3779b97f4a7c15, 0xd1b54a32d192ed03);

/** Where the bytes begin that belong to the part and are not absorbed yet; 0 while no part is open. */
let run: usize = 0;
let absorbed: u32 = 0;
/** The lanes, in pairs, and the keys of the next stripe. */
let lanesA: v128 = i64x2(0, 0);
let lanesB: v128 = i64x2(0, 0);
let lanesC: v128 = i64x2(0, 0);
let lanesD: v128 = i64x2(0, 0);
let keysA: v128 = KEYS_A;
let keysB: v128 = KEYS_B;
let keysC: v128 = KEYS_C;
let keysD: v128 = KEYS_D;
/** Absorbed bytes that do not fill a stripe yet wait in `DIGEST_STRIPE`. */
let waiting: u32 = 0;

/** Opens a part that begins at `at`, in place of one that was open. */
export function beginDigest(at: usize): void {
  run = at;
  absorbed = 0;
  waiting = 0;
}

export function abandonDigest(): void {
  run = 0;
}

export function isDigesting(): bool {
  return run != 0;
}

/** The chunk ends at `at`, inside the part. */
export function pauseDigest(at: usize): void {
  absorb(run, <u32>(at - run));
}

/** The part goes on at `at`. */
export function resumeDigest(at: usize): void {
  run = at;
}

/** Closes the part, which ends before `at`, and answers its hash. A part of one piece is hashed where it lies. */
export function endDigest(at: usize): u64 {
  const from = run;
  const bytes = <u32>(at - from);
  run = 0;
  if (absorbed == 0) {
    absorbed = bytes;
    return hashOf(from, bytes);
  }
  absorb(from, bytes);
  if (absorbed < STRIPE_BYTES) return finish(P5 + absorbed, DIGEST_STRIPE, waiting);
  absorbRest(DIGEST_STRIPE, waiting);
  return converge(absorbed);
}

/** Closes the part, which ends before `at`, and answers the whole number that it spells, at most `limit`; 0 if none. */
export function endWholeNumber(at: usize, limit: u32): u32 {
  let from = run;
  let bytes = <u32>(at - from);
  run = 0;
  if (absorbed != 0) {
    absorb(from, bytes);
    from = DIGEST_STRIPE;
    bytes = absorbed;
  }
  if (bytes >= NUMBER_BYTES) return 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i < bytes; i++) {
    const c: u32 = load<u8>(from + i);
    if (!isDigit(c)) return 0;
    value = min(value * 10 + (c - ZERO), limit);
  }
  return value;
}

/** Bytes of the part closed last. */
export function digestBytes(): u32 {
  return absorbed;
}

/** The hash of bytes that lie in one piece. */
export function hashOf(at: usize, bytes: u32): u64 {
  if (bytes < STRIPE_BYTES) return finish(P5 + bytes, at, bytes);
  resetLanes();
  const rest = bytes & (STRIPE_BYTES - 1);
  absorbStripes(at, bytes - rest);
  absorbRest(at + bytes - rest, rest);
  return converge(bytes);
}

/** `state` with `value` worked in; the order of calls matters. */
export function mix(state: u64, value: u64): u64 {
  return rotl<u64>(state ^ round(0, value), 27) * P1 + P4;
}

/** Spreads every bit of `state` over all of them. */
export function avalanche(state: u64): u64 {
  state = (state ^ (state >> 33)) * P2;
  state = (state ^ (state >> 29)) * P3;
  return state ^ (state >> 32);
}

function absorb(from: usize, bytes: u32): void {
  if (absorbed == 0) resetLanes();
  absorbed += bytes;
  if (waiting > 0 || bytes < STRIPE_BYTES) {
    const fitting = min(bytes, STRIPE_BYTES - waiting);
    keepWaiting(from, fitting);
    if (waiting < STRIPE_BYTES) return;
    absorbStripes(DIGEST_STRIPE, STRIPE_BYTES);
    waiting = 0;
    from += fitting;
    bytes -= fitting;
  }
  const whole = bytes & ~(STRIPE_BYTES - 1);
  absorbStripes(from, whole);
  keepWaiting(from + whole, bytes - whole);
}

function resetLanes(): void {
  lanesA = i64x2.splat(P1);
  lanesB = i64x2.splat(P2);
  lanesC = i64x2.splat(P3);
  lanesD = i64x2.splat(P4);
  keysA = KEYS_A;
  keysB = KEYS_B;
  keysC = KEYS_C;
  keysD = KEYS_D;
}

/** Whole vectors are moved: a stripe of slack follows, and what lies behind `count` bytes is overwritten or not heeded. */
function keepWaiting(from: usize, count: u32): void {
  const to = DIGEST_STRIPE + waiting;
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
  waiting += count;
}

function absorbStripes(at: usize, bytes: u32): void {
  const end = at + bytes;
  let sumsA = lanesA;
  let sumsB = lanesB;
  let sumsC = lanesC;
  let sumsD = lanesD;
  let mixA = keysA;
  let mixB = keysB;
  let mixC = keysC;
  let mixD = keysD;
  for (; at < end; at += STRIPE_BYTES) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const mixedA = v128.xor(a, mixA);
    const mixedB = v128.xor(b, mixB);
    const mixedC = v128.xor(c, mixC);
    const mixedD = v128.xor(d, mixD);
    sumsA = i64x2.add(i64x2.add(sumsA, c), i64x2.extmul_low_i32x4_u(mixedA, mixedB));
    sumsB = i64x2.add(i64x2.add(sumsB, d), i64x2.extmul_high_i32x4_u(mixedA, mixedB));
    sumsC = i64x2.add(i64x2.add(sumsC, a), i64x2.extmul_low_i32x4_u(mixedC, mixedD));
    sumsD = i64x2.add(i64x2.add(sumsD, b), i64x2.extmul_high_i32x4_u(mixedC, mixedD));
    mixA = i64x2.add(mixA, NEXT_KEYS);
    mixB = i64x2.add(mixB, NEXT_KEYS);
    mixC = i64x2.add(mixC, NEXT_KEYS);
    mixD = i64x2.add(mixD, NEXT_KEYS);
  }
  lanesA = sumsA;
  lanesB = sumsB;
  lanesC = sumsC;
  lanesD = sumsD;
  keysA = mixA;
  keysB = mixB;
  keysC = mixC;
  keysD = mixD;
}

/** The last `bytes` < 64, as a stripe that goes on with zeros: the part's length tells it from one that ends in them. */
function absorbRest(at: usize, bytes: u32): void {
  v128.store(DIGEST_REST, firstBytes(v128.load(at), bytes));
  v128.store(DIGEST_REST, firstBytes(v128.load(at, 16), bytes - 16), 16);
  v128.store(DIGEST_REST, firstBytes(v128.load(at, 32), bytes - 32), 32);
  v128.store(DIGEST_REST, firstBytes(v128.load(at, 48), bytes - 48), 48);
  absorbStripes(DIGEST_REST, STRIPE_BYTES);
}

const BYTE_NUMBERS: v128 = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

/** The first `count` bytes, none if it is less than none and all if it is more than all, and zeros. */
function firstBytes(v: v128, count: i32): v128 {
  return v128.and(v, i8x16.lt_s(BYTE_NUMBERS, i8x16.splat(<i8>count)));
}

function converge(bytes: u32): u64 {
  let state = P5 + bytes;
  state = mix(mix(state, i64x2.extract_lane(lanesA, 0)), i64x2.extract_lane(lanesA, 1));
  state = mix(mix(state, i64x2.extract_lane(lanesB, 0)), i64x2.extract_lane(lanesB, 1));
  state = mix(mix(state, i64x2.extract_lane(lanesC, 0)), i64x2.extract_lane(lanesC, 1));
  state = mix(mix(state, i64x2.extract_lane(lanesD, 0)), i64x2.extract_lane(lanesD, 1));
  return avalanche(state);
}

function round(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * P2, 31) * P1;
}

/** Works in the `bytes` of a short part, at `at`. */
function finish(state: u64, at: usize, bytes: u32): u64 {
  while (bytes >= 8) {
    state = mix(state, load<u64>(at));
    at += 8;
    bytes -= 8;
  }
  if (bytes >= 4) {
    state = rotl<u64>(state ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3;
    at += 4;
    bytes -= 4;
  }
  while (bytes > 0) {
    state = rotl<u64>(state ^ (<u64>load<u8>(at) * P5), 11) * P1;
    at++;
    bytes--;
  }
  return avalanche(state);
}
