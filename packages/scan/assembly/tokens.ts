import { captureByte, captureRun16, isCapturing } from './capture';
import {
  BACKSLASH,
  hexValue,
  isDigit,
  isExponentMark,
  isHex,
  isSimpleEscape,
  LOWER_U,
  MINUS,
  PLUS,
  POINT,
  QUOTE,
  SPACE,
  ZERO,
} from './characters';
import { fail, Fault } from './fault';

/**
 * Strings, numbers and literals. A token may be cut anywhere: what is open and how far it has come is kept here, and
 * `continueToken` takes up at the first byte of the next chunk.
 */
export const enum Token {
  None,
  String,
  /** In a string, after a backslash. */
  Escape,
  /** In a string, inside `\uXXXX`. */
  Hex,
  Number,
  Literal,
  /** A fault was found; nothing more is read. */
  Broken,
}

/** What of a number has been read. `Zero`, `Integer`, `Fraction` and `Exponent` may be its end. */
const enum Part {
  Minus,
  Zero,
  Integer,
  Point,
  Fraction,
  ExponentMark,
  ExponentSign,
  Exponent,
}

const TRUE_REST: u32 = 0x657572;
const FALSE_REST: u32 = 0x65736c61;
const NULL_REST: u32 = 0x6c6c75;

/** Of `\uXXXX`. */
const ESCAPE_BYTES: u32 = 6;

let token: Token = Token.None;
let part: Part = Part.Minus;
let hexDigitsLeft: u32 = 0;
/** What of the `\u` escape being read its digits say so far. */
let codeUnit: u32 = 0;
/** Bytes that all escapes read so far take beyond the UTF-8 they spell. Wraps; only differences mean something. */
let surplus: u32 = 0;
/** `\u` escapes read so far. Wraps; only differences mean something. */
let hexEscapes: u32 = 0;
/** Bytes of the literal still to come, the next one lowest. */
let literalRest: u32 = 0;

export function clearToken(): void {
  token = Token.None;
}

export function escapeSurplus(): u32 {
  return surplus;
}

/** How many `\u` escapes have been read; only differences mean something. */
export function escapesOfHex(): u32 {
  return hexEscapes;
}

/** No token, or one that the end of the document completes. */
export function isTokenComplete(): bool {
  if (token == Token.None) return true;
  if (token != Token.Number) return false;
  return part == Part.Zero || part == Part.Integer || part == Part.Fraction || part == Part.Exponent;
}

export function isTokenOpen(): bool {
  return token != Token.None;
}

/** Its opening quote has been read. */
export function beginString(): void {
  token = Token.String;
}

/** Takes `c` as the first byte of a number or literal, or answers false. */
export function beginScalar(c: u32): bool {
  if (isDigit(c) || c == MINUS) {
    token = Token.Number;
    part = c == MINUS ? Part.Minus : c == ZERO ? Part.Zero : Part.Integer;
    return true;
  }
  if (c == 0x74) literalRest = TRUE_REST;
  else if (c == 0x66) literalRest = FALSE_REST;
  else if (c == 0x6e) literalRest = NULL_REST;
  else return false;
  token = Token.Literal;
  return true;
}

/** Reads on in the open token; answers where it stopped. The token is closed unless the chunk ended first. */
export function continueToken(at: usize, end: usize): usize {
  if (token == Token.String) return scanString(at, end);
  if (token == Token.Number) return scanNumber(at, end);
  if (token == Token.Literal) return scanLiteral(at, end);
  at = token == Token.Hex ? scanHex(at, end) : scanEscape(at, end);
  return token == Token.String ? scanString(at, end) : at;
}

function breakOff(reason: Fault, at: usize): usize {
  fail(reason, at);
  token = Token.Broken;
  return at;
}

function scanString(at: usize, end: usize): usize {
  return isCapturing() ? scanCapturedString(at, end) : scanPlainString(at, end);
}

/**
 * Sixteen bytes at a time; short escapes are stepped over within the vector at hand, since code and prose in some
 * scripts have one every dozen bytes. A vector may reach past `end`: what it shows there is never heeded.
 */
function scanPlainString(at: usize, end: usize): usize {
  while (at < end) {
    let ends = runEnds(v128.load(at));
    const vector = at;
    at += 16;
    while (ends) {
      const bit = ctz(ends);
      const stop = vector + bit;
      if (stop >= end) return end;
      const c: u32 = load<u8>(stop);
      if (c == QUOTE) {
        token = Token.None;
        return stop + 1;
      }
      if (c != BACKSLASH) return breakOff(Fault.ControlCharacter, stop);
      if (bit < 15 && stop + 1 < end && isSimpleEscape(load<u8>(stop + 1))) {
        ends &= ~(3 << bit);
        surplus++;
        continue;
      }
      at = scanEscape(stop + 1, end);
      if (token != Token.String) return at;
      break;
    }
  }
  return end;
}

function scanCapturedString(at: usize, end: usize): usize {
  while (at < end) {
    at = captureRun(at, end);
    if (at >= end) return end;
    const c: u32 = load<u8>(at);
    if (c == QUOTE) {
      token = Token.None;
      return at + 1;
    }
    if (c != BACKSLASH) return breakOff(Fault.ControlCharacter, at);
    captureByte(c);
    at = scanEscape(at + 1, end);
    if (token != Token.String) return at;
  }
  return at;
}

/** One bit for each of 16 bytes that ends a run of plain string bytes: a quote, a backslash, a control character. */
function runEnds(v: v128): u32 {
  return i8x16.bitmask(
    v128.or(
      v128.or(i8x16.eq(v, i8x16.splat(<i8>QUOTE)), i8x16.eq(v, i8x16.splat(<i8>BACKSLASH))),
      i8x16.lt_u(v, i8x16.splat(<i8>SPACE)),
    ),
  );
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

function scanEscape(at: usize, end: usize): usize {
  if (at >= end) {
    token = Token.Escape;
    return at;
  }
  const c: u32 = load<u8>(at);
  if (isCapturing()) captureByte(c);
  if (c == LOWER_U) {
    hexDigitsLeft = 4;
    codeUnit = 0;
    hexEscapes++;
    token = Token.Hex;
    return scanHex(at + 1, end);
  }
  if (!isSimpleEscape(c)) return breakOff(Fault.BadEscape, at);
  surplus++;
  token = Token.String;
  return at + 1;
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
      token = Token.String;
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

function scanLiteral(at: usize, end: usize): usize {
  while (at < end) {
    if (load<u8>(at) != <u8>literalRest) return breakOff(Fault.BadLiteral, at);
    at++;
    literalRest >>= 8;
    if (literalRest == 0) {
      token = Token.None;
      return at;
    }
  }
  return at;
}

/** A number ends at the first byte that cannot belong to it, which is left to the grammar. */
function scanNumber(at: usize, end: usize): usize {
  while (at < end) {
    const c: u32 = load<u8>(at);
    if (isDigit(c) && part != Part.Zero) part = afterDigit(c);
    else if (c == POINT && (part == Part.Zero || part == Part.Integer)) part = Part.Point;
    else if (isExponentMark(c) && (part == Part.Zero || part == Part.Integer || part == Part.Fraction))
      part = Part.ExponentMark;
    else if ((c == PLUS || c == MINUS) && part == Part.ExponentMark) part = Part.ExponentSign;
    else if (!isTokenComplete()) return breakOff(Fault.BadNumber, at);
    else {
      token = Token.None;
      return at;
    }
    at++;
    if (part != Part.Zero && isDigit(c)) while (at < end && isDigit(load<u8>(at))) at++;
  }
  return at;
}

function afterDigit(c: u32): Part {
  switch (part) {
    case Part.Minus:
      return c == ZERO ? Part.Zero : Part.Integer;
    case Part.Integer:
      return Part.Integer;
    case Part.Point:
    case Part.Fraction:
      return Part.Fraction;
    default:
      return Part.Exponent;
  }
}
