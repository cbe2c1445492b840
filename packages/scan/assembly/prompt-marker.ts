import { beginCapture, endCapture, isCapturing } from './capture';
import { BRACE_OPEN, QUOTE } from './characters';
import { WORD_CAPTURE } from './layout';
import { capturedWord, Word } from './words';

/**
 * The cache marker being read, the value of a `cache_control`. `{"type":"ephemeral"}` is one, and lasts five minutes
 * unless its `ttl` says `"1h"`; `null` and everything else is none.
 */
export const enum Marker {
  None,
  FiveMinutes,
  OneHour,
}

/** How deep the marker's own keys lie; 0 while none is open. */
let keyDepth: i32 = 0;
let field: Word = Word.Other;
let isEphemeral: bool = false;
let lastsHour: bool = false;

/** A marker's value lies `depth` deep and begins with `c`; answers whether it is an object, and so will end. */
export function beginMarker(depth: i32, c: u32): bool {
  isEphemeral = false;
  lastsHour = false;
  if (c != BRACE_OPEN) return false;
  keyDepth = depth + 1;
  return true;
}

export function isMarkerOpen(): bool {
  return keyDepth != 0;
}

export function abandonMarker(): void {
  keyDepth = 0;
}

export function markerValueBegins(depth: i32, key: Word, c: u32): void {
  if (depth != keyDepth) return;
  field = key;
  if (key == Word.Type) isEphemeral = false;
  else if (key == Word.Ttl) lastsHour = false;
  else return;
  if (c == QUOTE) beginCapture(WORD_CAPTURE);
}

/** A value in the marker ends, or the marker itself: then the answer is true. */
export function markerValueEnds(depth: i32): bool {
  if (depth < keyDepth) {
    keyDepth = 0;
    return true;
  }
  if (!isCapturing()) return false;
  endCapture();
  const word = capturedWord(WORD_CAPTURE);
  if (field == Word.Type) isEphemeral = word == Word.Ephemeral;
  else lastsHour = word == Word.OneHour;
  return false;
}

/** What the marker read last says. */
export function markerRead(): Marker {
  if (!isEphemeral) return Marker.None;
  return lastsHour ? Marker.OneHour : Marker.FiveMinutes;
}
