import { identifierBytes } from './byte-masks';
import { BACKSLASH, hexValue, isCustomIdCharacter, isHex, LOWER_U } from './characters';
import { CAPTURE_BYTES } from './layout';

/**
 * Captures: the raw bytes of the string being read, kept beside the stream because the string may straddle two chunks.
 * At most one is open. What does not fit is dropped and said so; what fits never depends on how the body was cut.
 */

let target: usize = 0;
let captured: u32 = 0;
let overflowed: bool = false;
let escaped: bool = false;

export function beginCapture(address: usize): void {
  target = address;
  captured = 0;
  overflowed = false;
  escaped = false;
}

export function endCapture(): void {
  target = 0;
}

export function isCapturing(): bool {
  return target != 0;
}

/** Bytes of the capture that is open or was closed last. */
export function capturedBytes(): u32 {
  return captured;
}

export function captureOverflowed(): bool {
  return overflowed;
}

/** The captured string may spell something else than its bytes say. */
export function captureHasEscapes(): bool {
  return escaped;
}

/** Keeps the `count` <= 16 bytes at `from`. 16 bytes of slack follow every capture, so whole vectors are moved. */
export function captureRun16(from: usize, count: u32): void {
  v128.store(target + captured, v128.load(from));
  captured += count;
  if (captured > CAPTURE_BYTES) {
    captured = CAPTURE_BYTES;
    overflowed = true;
  }
}

/** Keeps a byte of an escape sequence; all others come in runs. */
export function captureByte(c: u32): void {
  escaped = true;
  if (captured == CAPTURE_BYTES) {
    overflowed = true;
    return;
  }
  store<u8>(target + captured, c);
  captured++;
}

/**
 * Writes the characters that the `length` raw bytes of the string captured last, at `raw`, spell to `out`, provided each may stand in a custom_id, and
 * answers how many; or -1 when one may not, or when there are more than `limit`. The keys the API knows are made of the
 * same characters, so keys are decoded by this too. Escapes are whole: the grammar has checked them.
 */
export function decodeIdentifier(raw: usize, length: u32, out: usize, limit: u32): i32 {
  if (!escaped) return copyIdentifier(raw, length, out, limit);
  const end = raw + length;
  let count: u32 = 0;
  while (raw < end) {
    let c: u32 = load<u8>(raw++);
    if (c == BACKSLASH) {
      c = raw + 5 <= end && load<u8>(raw) == LOWER_U ? codeUnit(raw + 1) : BACKSLASH;
      raw += 5;
    }
    if (count == limit || !isCustomIdCharacter(c)) return -1;
    store<u8>(out + count, c);
    count++;
  }
  return count;
}

/** As `decodeIdentifier`, of bytes that spell themselves. Whole vectors are moved: 16 bytes of slack follow `out`. */
function copyIdentifier(raw: usize, length: u32, out: usize, limit: u32): i32 {
  if (length > limit) return -1;
  for (let at: u32 = 0; at < length; at += 16) {
    const v = v128.load(raw + at);
    const others: u32 = ~i8x16.bitmask(identifierBytes(v)) | 0x10000;
    if (ctz(others) < min<u32>(length - at, 16)) return -1;
    v128.store(out + at, v);
  }
  return length;
}

/** The value of four hex digits; a character that no identifier holds when they are not. */
function codeUnit(at: usize): u32 {
  let unit: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const c: u32 = load<u8>(at + i);
    if (!isHex(c)) return BACKSLASH;
    unit = (unit << 4) | hexValue(c);
  }
  return unit;
}
