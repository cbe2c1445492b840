import { backslashBytes, escapesAndEscaped, mask64, noShortEscapeBytes, stopBytes } from './byte-masks';
import { captureByte, captureRun16, isCapturing } from './capture';
import { BACKSLASH, hexValue, isHex, isSimpleEscape, LOWER_U, QUOTE } from './characters';
import { Fault } from './fault';
import { breakOff, openToken, setToken, Token } from './token';

/**
 * Strings, from the byte after their opening quote. They are nine tenths of a body, so they are read by 64 bytes, and
 * what is escaped in them is found by arithmetic on masks: code and prose in some scripts have an escape every dozen
 * bytes, and a branch for each costs ten times as much. A vector may reach past `end`: what it shows there is not heeded.
 */

/** Of `\uXXXX`. */
const ESCAPE_BYTES: u32 = 6;
const HEX_DIGITS: u32 = 4;

let hexDigitsLeft: u32 = 0;
/** What of the `\u` escape being read its digits say so far. */
let codeUnit: u32 = 0;
/** Bytes that all escapes read so far take beyond the UTF-8 they spell. Wraps; only differences mean something. */
let surplus: u32 = 0;
/** `\u` escapes read so far. Wraps as well. */
let hexEscapes: u32 = 0;

export function escapeSurplus(): u32 {
  return surplus;
}

/** How many `\u` escapes have been read; only differences mean something. */
export function escapesOfHex(): u32 {
  return hexEscapes;
}

/** Reads on in the string that is open; answers where it stopped. */
export function continueString(at: usize, end: usize): usize {
  if (openToken() == Token.Escape) at = scanEscape(at, end);
  else if (openToken() == Token.Hex) at = scanHex(at, end);
  if (openToken() != Token.String) return at;
  return isCapturing() ? scanCapturedString(at, end) : scanPlainString(at, end);
}

function scanPlainString(at: usize, end: usize): usize {
  // Most strings are words.
  const ends = runEnds(v128.load(at));
  const stop = at + ctz(ends);
  if (ends && stop < end && load<u8>(stop) == QUOTE) return closeString(stop);
  return scanLongString(at, end);
}

function scanLongString(at: usize, end: usize): usize {
  /** 1 if the block's first byte is escaped by the last of the block before. */
  let first: u64 = 0;
  for (; at < end; at += 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const stopsA = stopBytes(a);
    const stopsB = stopBytes(b);
    const stopsC = stopBytes(c);
    const stopsD = stopBytes(d);
    const slashesA = backslashBytes(a);
    const slashesB = backslashBytes(b);
    const slashesC = backslashBytes(c);
    const slashesD = backslashBytes(d);
    const anyStop = v128.or(v128.or(stopsA, stopsB), v128.or(stopsC, stopsD));
    const anySlash = v128.or(v128.or(slashesA, slashesB), v128.or(slashesC, slashesD));
    if (first == 0 && !v128.any_true(v128.or(anyStop, anySlash))) continue;

    const length: u64 = min<u64>(<u64>(end - at), 64);
    const within = u64.MAX_VALUE >> (64 - length);
    const slashes = mask64(slashesA, slashesB, slashesC, slashesD) & within;
    let stops = mask64(stopsA, stopsB, stopsC, stopsD) & within;
    if ((slashes | first) == 0) {
      if (stops) return endAt(at + <usize>ctz(stops));
      continue;
    }

    const both = escapesAndEscaped(slashes, first);
    const escaped = (both ^ (slashes | first)) & within;
    const shorts =
      escaped & ~mask64(noShortEscapeBytes(a), noShortEscapeBytes(b), noShortEscapeBytes(c), noShortEscapeBytes(d));
    let bad = escaped & ~shorts;
    const hex = bad ? bad & hexMarks(a, b, c, d) : 0;
    bad ^= hex;
    stops = (stops & ~escaped) | bad;
    const before = (stops - 1) & ~stops;
    surplus += <u32>popcnt(shorts & before);
    for (let marks = hex & before; marks; marks &= marks - 1) {
      const digits = beginHex(at + <usize>ctz(marks) + 1, end);
      if (openToken() != Token.String) return digits;
    }
    if (stops) {
      const stop = <usize>ctz(stops);
      return (bad >> stop) & 1 ? breakOff(Fault.BadEscape, at + stop) : endAt(at + stop);
    }
    first = ((both & slashes) >> (length - 1)) & 1;
  }
  if (first) setToken(Token.Escape);
  return end;
}

function hexMarks(a: v128, b: v128, c: v128, d: v128): u64 {
  const mark = i8x16.splat(<i8>LOWER_U);
  return mask64(i8x16.eq(a, mark), i8x16.eq(b, mark), i8x16.eq(c, mark), i8x16.eq(d, mark));
}

/** The string's own end, or a control character, lies at `stop`. */
function endAt(stop: usize): usize {
  return load<u8>(stop) == QUOTE ? closeString(stop) : breakOff(Fault.ControlCharacter, stop);
}

function closeString(quote: usize): usize {
  setToken(Token.None);
  return quote + 1;
}

function scanCapturedString(at: usize, end: usize): usize {
  while (at < end) {
    at = captureRun(at, end);
    if (at >= end) return end;
    if (load<u8>(at) != BACKSLASH) return endAt(at);
    captureByte(BACKSLASH);
    at = scanEscape(at + 1, end);
    if (openToken() != Token.String) return at;
  }
  return at;
}

function captureRun(at: usize, end: usize): usize {
  while (at < end) {
    const ends = runEnds(v128.load(at));
    const plain = min<u32>(ends ? ctz(ends) : 16, <u32>(end - at));
    captureRun16(at, plain);
    at += plain;
    if (plain < 16) return at;
  }
  return at;
}

/** One bit for each of 16 bytes that ends a run of plain string bytes: a quote, a backslash, a control character. */
function runEnds(v: v128): u32 {
  return i8x16.bitmask(v128.or(stopBytes(v), backslashBytes(v)));
}

/** The byte after a backslash. */
function scanEscape(at: usize, end: usize): usize {
  if (at >= end) {
    setToken(Token.Escape);
    return at;
  }
  const c: u32 = load<u8>(at);
  if (isCapturing()) captureByte(c);
  if (c == LOWER_U) return beginHex(at + 1, end);
  if (!isSimpleEscape(c)) return breakOff(Fault.BadEscape, at);
  surplus++;
  setToken(Token.String);
  return at + 1;
}

function beginHex(at: usize, end: usize): usize {
  hexDigitsLeft = HEX_DIGITS;
  codeUnit = 0;
  hexEscapes++;
  setToken(Token.Hex);
  return scanHex(at, end);
}

function scanHex(at: usize, end: usize): usize {
  while (at < end) {
    const c: u32 = load<u8>(at);
    if (!isHex(c)) return breakOff(Fault.BadEscape, at);
    if (isCapturing()) captureByte(c);
    codeUnit = (codeUnit << 4) | hexValue(c);
    at++;
    hexDigitsLeft--;
    if (hexDigitsLeft == 0) {
      surplus += ESCAPE_BYTES - utf8Bytes(codeUnit);
      setToken(Token.String);
      return at;
    }
  }
  return at;
}

/** Bytes of UTF-8 that a code unit takes; half of a character's for each half of a surrogate pair. */
function utf8Bytes(unit: u32): u32 {
  if (unit < 0x80) return 1;
  return unit < 0x800 || (unit & 0xf800) == 0xd800 ? 2 : 3;
}
