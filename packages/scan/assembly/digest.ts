import { isDigit, ZERO } from './characters';
import { DIGEST_STRIPE } from './layout';

/**
 * Hashes of parts of the body, made while the body streams by: the 64-bit hash known as XXH64, over the part's bytes
 * without the whitespace between its tokens. One part at a time; parts may straddle chunks, and the answer never depends
 * on how the body was cut. Not for use where collisions could be profitable: whoever makes two prompts collide only
 * spoils the plan of a batch of their own.
 */

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

/** Bytes that go into the lanes at a time. */
const STRIPE_BYTES: u32 = 32;

/** Where the bytes begin that belong to the part and are not absorbed yet; 0 while no part is open. */
let run: usize = 0;
let absorbed: u32 = 0;
let lane1: u64 = 0;
let lane2: u64 = 0;
let lane3: u64 = 0;
let lane4: u64 = 0;
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
  const state = absorbed < STRIPE_BYTES ? P5 : converge(lane1, lane2, lane3, lane4);
  return finish(state + absorbed, DIGEST_STRIPE, waiting);
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
  // No number that means something has so many digits, and of a longer part not all bytes are kept.
  if (bytes >= STRIPE_BYTES) return 0;
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
  let rest = bytes;
  let state = P5;
  if (bytes >= STRIPE_BYTES) {
    let a = P1 + P2;
    let b = P2;
    let c: u64 = 0;
    let d: u64 = 0 - P1;
    do {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
      at += STRIPE_BYTES;
      rest -= STRIPE_BYTES;
    } while (rest >= STRIPE_BYTES);
    state = converge(a, b, c, d);
  }
  return finish(state + bytes, at, rest);
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
  lane1 = P1 + P2;
  lane2 = P2;
  lane3 = 0;
  lane4 = 0 - P1;
}

/** Whole vectors are moved: a stripe of slack follows, and what lies behind `count` bytes is overwritten or not heeded. */
function keepWaiting(from: usize, count: u32): void {
  const to = DIGEST_STRIPE + waiting;
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  waiting += count;
}

function absorbStripes(at: usize, bytes: u32): void {
  const end = at + bytes;
  let a = lane1;
  let b = lane2;
  let c = lane3;
  let d = lane4;
  for (; at < end; at += STRIPE_BYTES) {
    a = round(a, load<u64>(at));
    b = round(b, load<u64>(at, 8));
    c = round(c, load<u64>(at, 16));
    d = round(d, load<u64>(at, 24));
  }
  lane1 = a;
  lane2 = b;
  lane3 = c;
  lane4 = d;
}

function round(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * P2, 31) * P1;
}

function converge(a: u64, b: u64, c: u64, d: u64): u64 {
  let state = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
  state = (state ^ round(0, a)) * P1 + P4;
  state = (state ^ round(0, b)) * P1 + P4;
  state = (state ^ round(0, c)) * P1 + P4;
  return (state ^ round(0, d)) * P1 + P4;
}

/** Works in the last `bytes` < 32, at `at`. */
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
