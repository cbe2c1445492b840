import {
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  CARRIAGE_RETURN,
  COLON,
  COMMA,
  isWhitespace,
  NEWLINE,
  QUOTE,
  SPACE,
  TAB,
} from './characters';
import { abandonDigest, isDigesting, pauseDigest, resumeDigest } from './digest';
import { keyBegins, keyEnds, valueBegins, valueEnds } from './observer';
import { clearFault, fail, Fault, faultAddress, faultKind } from './fault';
import { MAXIMUM_NESTING, NESTING_STACK } from './layout';
import { beginScalar, beginString, clearToken, continueToken, isTokenComplete, isTokenOpen } from './tokens';
import { watchedDepth, watchTo } from './watched-depth';

/**
 * The grammar of JSON (RFC 8259) over a stream of bytes, resumable at any byte. It accepts what `JSON.parse` accepts
 * of valid UTF-8 nested at most `MAXIMUM_NESTING` deep; that the bytes are UTF-8 is the host's to check. Keys and values
 * that lie at most `watchedDepth()` containers deep are reported to the observer; deeper ones are only checked. The part
 * being hashed, if there is one, gets all bytes but the whitespace between tokens.
 */

/** What may come next, between tokens. */
const enum Expect {
  Value,
  /** After `[`: a value, or the array's end. */
  FirstElement,
  Key,
  /** After `{`: a key, or the object's end. */
  FirstKey,
  Colon,
  /** After a value: a comma or the container's end; at the top, nothing. */
  Separator,
}

let expect: Expect = Expect.Value;
let depth: i32 = 0;
/** The byte that ends the innermost container; 0 at the top. */
let closer: u32 = 0;
/** The open token is a key. */
let inKey: bool = false;
let newlines: bool = false;
let fedBytes: f64 = 0;

export function beginDocument(watched: i32): void {
  expect = Expect.Value;
  depth = 0;
  closer = 0;
  inKey = false;
  newlines = false;
  fedBytes = 0;
  watchTo(watched);
  abandonDigest();
  clearFault();
  clearToken();
}

/** The bytes fed so far are exactly one JSON value, perhaps with whitespace around. */
export function isDocumentComplete(): bool {
  if (faultKind() != Fault.None || depth != 0 || !isTokenComplete()) return false;
  return expect == Expect.Separator || isTokenOpen();
}

/** A newline or carriage return lies between two tokens of the document. */
export function hasNewlines(): bool {
  return newlines;
}

/** Where in the document the fault lies. Only until the next `feed`. */
export function faultOffset(start: usize): f64 {
  return fedBytes + <f64>(faultAddress() - start);
}

/**
 * Reads the next `length` bytes of the document, which lie at `start`, and answers the fault found or `Fault.None`.
 * Nothing may be fed after a fault. State is held in locals and the cases are not cut into functions: this loop runs
 * once for every byte outside strings, and calls that share state through globals cost it a third of its speed.
 */
export function feed(start: usize, length: i32): Fault {
  const end = start + length;
  const shift = fedBytes - <f64>start;
  let at = start;
  let next = expect;
  let d = depth;
  let close = closer;
  if (isDigesting()) resumeDigest(start);

  while (at < end) {
    if (isTokenOpen()) {
      at = continueToken(at, end);
      if (isTokenOpen()) break;
      if (inKey) {
        inKey = false;
        next = Expect.Colon;
        if (d <= watchedDepth()) keyEnds(d, shift + <f64>at, at);
      } else {
        next = Expect.Separator;
        if (d <= watchedDepth()) valueEnds(d, shift + <f64>at, at, false);
      }
      continue;
    }

    const c: u32 = load<u8>(at);
    if (c <= SPACE) {
      if (!isWhitespace(c)) {
        fail(Fault.Unexpected, at);
        break;
      }
      if (isDigesting()) pauseDigest(at);
      at = skipWhitespace(at, end, d > 0);
      if (isDigesting()) resumeDigest(at);
      continue;
    } else if (next == Expect.Separator) {
      if (c == COMMA && d > 0) next = close == BRACE_CLOSE ? Expect.Key : Expect.Value;
      else if (c == close) {
        d--;
        close = d > 0 ? load<u8>(NESTING_STACK + d - 1) : 0;
        if (d <= watchedDepth()) valueEnds(d, shift + <f64>at + 1, at + 1, true);
      } else {
        fail(Fault.Unexpected, at);
        break;
      }
    } else if (next == Expect.Colon) {
      if (c != COLON) {
        fail(Fault.Unexpected, at);
        break;
      }
      next = Expect.Value;
    } else if (next >= Expect.Key && c == QUOTE) {
      inKey = true;
      beginString();
      if (d <= watchedDepth()) keyBegins(d, shift + <f64>at, at);
    } else if ((next == Expect.FirstKey || next == Expect.FirstElement) && c == close) {
      next = Expect.Separator;
      continue;
    } else if (next >= Expect.Key) {
      fail(Fault.Unexpected, at);
      break;
    } else {
      if (d <= watchedDepth()) valueBegins(d, shift + <f64>at, at, c);
      if (c == QUOTE) beginString();
      else if (c == BRACE_OPEN || c == BRACKET_OPEN) {
        if (d == MAXIMUM_NESTING) {
          fail(Fault.TooDeep, at);
          break;
        }
        close = c == BRACE_OPEN ? BRACE_CLOSE : BRACKET_CLOSE;
        store<u8>(NESTING_STACK + d, close);
        d++;
        next = c == BRACE_OPEN ? Expect.FirstKey : Expect.FirstElement;
      } else if (!beginScalar(c)) {
        fail(Fault.Unexpected, at);
        break;
      }
    }
    at++;
  }

  expect = next;
  depth = d;
  closer = close;
  if (isDigesting()) pauseDigest(end);
  if (faultKind() == Fault.None) fedBytes += <f64>length;
  return faultKind();
}

/**
 * Where the whitespace at `at` ends. Indented documents have as much of it as of anything else, hence vectors; they may
 * look past `end`, and what they see there does not count.
 */
function skipWhitespace(at: usize, end: usize, within: bool): usize {
  while (at < end) {
    const v = v128.load(at);
    const breaks = v128.or(i8x16.eq(v, i8x16.splat(<i8>NEWLINE)), i8x16.eq(v, i8x16.splat(<i8>CARRIAGE_RETURN)));
    const blanks = v128.or(i8x16.eq(v, i8x16.splat(<i8>SPACE)), i8x16.eq(v, i8x16.splat(<i8>TAB)));
    const length = min<u32>(ctz(~i8x16.bitmask(v128.or(breaks, blanks))), <u32>(end - at));
    if (within && i8x16.bitmask(breaks) & ((1 << length) - 1)) newlines = true;
    at += length;
    if (length < 16) return at;
  }
  return at;
}
