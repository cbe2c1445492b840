import { BACKSLASH, QUOTE } from './characters';

/** What 16 bytes are, one bit a byte, the first lowest; and what 64 bytes are, from four of those. */

/** All bytes below a space have none of these bits. */
const ABOVE_CONTROLS: u8 = 0xe0;

/** 0xff for each byte that a string may not hold as it stands but for a backslash: a quote or a control character. */
export function stopBytes(v: v128): v128 {
  const controls = i8x16.eq(v128.and(v, i8x16.splat(<i8>ABOVE_CONTROLS)), i8x16.splat(0));
  return v128.or(i8x16.eq(v, i8x16.splat(<i8>QUOTE)), controls);
}

export function backslashBytes(v: v128): v128 {
  return i8x16.eq(v, i8x16.splat(<i8>BACKSLASH));
}

/**
 * 0 for each byte that may follow a backslash alone: one of `"\/bfnrt`. Both halves of a byte are looked up, and those
 * that belong together have a bit in common.
 */
export function noShortEscapeBytes(v: v128): v128 {
  const low = i8x16.swizzle(LOW_HALVES, v128.and(v, i8x16.splat(0x0f)));
  const high = i8x16.swizzle(HIGH_HALVES, v128.and(i16x8.shr_u(v, 4), i8x16.splat(0x0f)));
  return i8x16.eq(v128.and(low, high), i8x16.splat(0));
}

const LOW_HALVES: v128 = i8x16(0, 0, 13, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1);
const HIGH_HALVES: v128 = i8x16(0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);

export function mask64(a: v128, b: v128, c: v128, d: v128): u64 {
  const low: u32 = i8x16.bitmask(a) | (i8x16.bitmask(b) << 16);
  const high: u32 = i8x16.bitmask(c) | (i8x16.bitmask(d) << 16);
  return <u64>low | ((<u64>high) << 32);
}

const ODD_BITS: u64 = 0xaaaaaaaaaaaaaaaa;

/**
 * Which of 64 bytes a backslash escapes, and which backslashes do, as one mask: the exclusive or of it with
 * `backslashes | first` is the former, its common bits with `backslashes` the latter. `first` is 1 if the first byte is
 * escaped by what lies before. In a run of backslashes every other one escapes; a subtraction that borrows through the
 * runs finds where they end.
 */
export function escapesAndEscaped(backslashes: u64, first: u64): u64 {
  const candidates = backslashes & ~first;
  return (((candidates << 1) | ODD_BITS) - candidates) ^ ODD_BITS;
}

/** 0xff for each byte that a custom_id may hold: letters, digits, `_` and `-`. */
export function identifierBytes(v: v128): v128 {
  const letter = i8x16.sub(v128.or(v, i8x16.splat(0x20)), i8x16.splat(0x61));
  const digit = i8x16.sub(v, i8x16.splat(0x30));
  const marks = v128.or(i8x16.eq(v, i8x16.splat(0x5f)), i8x16.eq(v, i8x16.splat(0x2d)));
  return v128.or(marks, v128.or(i8x16.lt_u(letter, i8x16.splat(26)), i8x16.lt_u(digit, i8x16.splat(10))));
}
