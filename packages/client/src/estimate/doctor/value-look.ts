/** What a value looks like that differs from request to request. */
export type ValueLook =
  | 'a time'
  | 'a date'
  | 'a UUID'
  | 'an id'
  | 'a hash'
  | 'a number'
  | 'white space'
  | 'letter case';

const LOOKS: readonly (readonly [ValueLook, RegExp])[] = [
  ['a UUID', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i],
  ['a time', /^\d{4}-\d\d-\d\d[T ]?\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?$/],
  ['a time', /^\d\d?:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?$/],
  ['a date', /^(?:\d{4}-\d\d-\d\d|\d{4}\/\d\d\/\d\d|\d\d?[./]\d\d?[./]\d{4})$/],
  // Seconds or milliseconds since 1970, of this century.
  ['a time', /^1\d{9}(?:\.\d+|\d{3})?$/],
  ['a number', /^[+-]?\d+(?:[.,]\d+)*$/],
  ['a hash', /^(?=.*\d)[0-9a-f]{16,}$/i],
  ['an id', /^(?=.*\d)[A-Za-z0-9]+(?:[_:-][A-Za-z0-9]+)*$/],
];

/** As much around the difference as may belong to one value. */
const VALUE_CHARACTER = /[A-Za-z0-9_:+./,-]/;
/** An ISO time may have a blank in the middle. */
const BLANK_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d/;

/** What two texts differ in at a place that both have alike up to there; null when it looks like nothing known. */
export function valueLook(left: string, right: string, at: number): ValueLook | null {
  if (isBlank(left[at]) !== isBlank(right[at]) && withoutBlanks(left, at) === withoutBlanks(right, at)) {
    return 'white space';
  }
  const [a, b] = [valueAround(left, at), valueAround(right, at)];
  if (a !== b && a.toLowerCase() === b.toLowerCase()) return 'letter case';
  for (const [look, pattern] of LOOKS) if (pattern.test(a) && pattern.test(b)) return look;
  return null;
}

/** The value that a character is part of. */
export function valueAround(text: string, at: number): string {
  let start = at;
  while (start > 0 && isOfValue(text, start - 1)) start--;
  let end = at;
  while (end < text.length && isOfValue(text, end)) end++;
  return text.slice(start, end).replace(/[.,:/-]+$/, '');
}

function isOfValue(text: string, at: number): boolean {
  if (VALUE_CHARACTER.test(text[at] ?? '')) return true;
  return text[at] === ' ' && BLANK_TIME.test(text.slice(Math.max(0, at - 10), at + 6));
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}

const COMPARED = 40;

/** What follows, blanks left out; line ends are written `\n` in JSON. */
function withoutBlanks(text: string, at: number): string {
  return text
    .slice(at, at + COMPARED)
    .replace(/\s|\\[nrt]/g, '')
    .slice(0, COMPARED / 2);
}
