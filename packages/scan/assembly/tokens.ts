import { isDigit, isExponentMark, MINUS, PLUS, POINT, ZERO } from './characters';
import { Fault } from './fault';
import { continueString } from './strings';
import { breakOff, openToken, setToken, Token } from './token';

/**
 * Tokens. One may be cut anywhere: what is open and how far it has come is kept, and `continueToken` takes up at the
 * first byte of the next chunk.
 */

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

let part: Part = Part.Minus;
/** Bytes of the literal still to come, the next one lowest. */
let literalRest: u32 = 0;

export function clearToken(): void {
  setToken(Token.None);
}

/** No token, or one that the end of the document completes. */
export function isTokenComplete(): bool {
  if (openToken() == Token.None) return true;
  if (openToken() != Token.Number) return false;
  return part == Part.Zero || part == Part.Integer || part == Part.Fraction || part == Part.Exponent;
}

export function isTokenOpen(): bool {
  return openToken() != Token.None;
}

/** Its opening quote has been read. */
export function beginString(): void {
  setToken(Token.String);
}

/** Takes `c` as the first byte of a number or literal, or answers false. */
export function beginScalar(c: u32): bool {
  if (isDigit(c) || c == MINUS) {
    setToken(Token.Number);
    part = c == MINUS ? Part.Minus : c == ZERO ? Part.Zero : Part.Integer;
    return true;
  }
  if (c == 0x74) literalRest = TRUE_REST;
  else if (c == 0x66) literalRest = FALSE_REST;
  else if (c == 0x6e) literalRest = NULL_REST;
  else return false;
  setToken(Token.Literal);
  return true;
}

/** Reads on in the open token; answers where it stopped. The token is closed unless the chunk ended first. */
export function continueToken(at: usize, end: usize): usize {
  if (openToken() == Token.Number) return scanNumber(at, end);
  if (openToken() == Token.Literal) return scanLiteral(at, end);
  return continueString(at, end);
}

function scanLiteral(at: usize, end: usize): usize {
  while (at < end) {
    if (load<u8>(at) != <u8>literalRest) return breakOff(Fault.BadLiteral, at);
    at++;
    literalRest >>= 8;
    if (literalRest == 0) {
      setToken(Token.None);
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
      setToken(Token.None);
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
