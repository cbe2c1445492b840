/**
 * Reads the heads of HTTP/1.1 answers. One upstream's answers have mostly the same lines in the same places: a line is held
 * against the one that stood there last, and of what is the same nothing is judged or copied again. Most of what reading an
 * answer takes went into names that had been read 10,000 times.
 *
 * Invariant: what a head says does not depend on those before it.
 */
/** Names in lower case; a name that came more than once has all its values. */
export type AnswerFields = Readonly<Record<string, string | readonly string[]>>;

/** The answer is not HTTP/1.1, or not in a way that can be relied on. */
export class AnswerFault extends Error {}

export interface AnswerHead {
  readonly status: number;
  readonly minor: number;
  readonly headers: AnswerFields;
}

/** Said of what does not begin as an answer does. */
export const NOT_HTTP = 'the answer is not HTTP/1.1';
/** How every answer begins, but for the minor version. */
export const VERSION = 'HTTP/1.';

/** A line that was read, for the next head to be held against. */
interface KnownLine {
  readonly text: string;
  /** The name as it was spelled, and its colon. */
  readonly opening: string;
  readonly name: string;
  readonly value: string;
}

/** Lines that are remembered, for all upstreams together. Those of a long head would hold on to the whole of it. */
const KNOWN_LINES = 32;
const LONGEST_KNOWN_HEAD = 4096;
const known: KnownLine[] = [];

/** The head up to its last line, without the empty one. Throws `AnswerFault`. */
export function readHead(head: string): AnswerHead {
  if (!STATUS_LINE.test(head)) throw new AnswerFault(NOT_HTTP);
  const firstEnd = head.indexOf(LINE_END);
  const headers = Object.create(NO_FIELDS) as Record<string, string | readonly string[]>;
  let start = firstEnd < 0 ? head.length : firstEnd + LINE_END.length;
  for (let place = 0; start < head.length; place++) {
    const line = known[place];
    if (line !== undefined && isLineAt(head, start, line.text)) {
      put(headers, line.name, line.value);
      start += line.text.length + LINE_END.length;
      continue;
    }
    const next = head.indexOf(LINE_END, start);
    const end = next < 0 ? head.length : next;
    const read = readLine(head, start, end, line);
    if (place < KNOWN_LINES && head.length <= LONGEST_KNOWN_HEAD) known[place] = read;
    put(headers, read.name, read.value);
    start = end + LINE_END.length;
  }
  return { status: Number(head.slice(STATUS_AT, STATUS_AT + 3)), minor: Number(head[VERSION.length]), headers };
}

/** No field holds a line end, so that where the text is followed by one the line is the text. */
function isLineAt(head: string, start: number, text: string): boolean {
  if (!head.startsWith(text, start)) return false;
  const end = start + text.length;
  return end === head.length || head.startsWith(LINE_END, end);
}

function readLine(head: string, start: number, end: number, last: KnownLine | undefined): KnownLine {
  const isSameName = last !== undefined && head.startsWith(last.opening, start);
  const colon = isSameName ? start + last.opening.length - 1 : head.indexOf(':', start);
  const spelled = colon < 0 || colon > end ? '' : head.slice(start, colon);
  const value = head.slice(colon + 1, end).trim();
  // A folded line begins with a space, which no name does.
  const isField = (isSameName || FIELD_NAME.test(spelled)) && FIELD_VALUE.test(value);
  if (!isField) throw new AnswerFault('the head has a line that is no field');
  const text = head.slice(start, end);
  if (isSameName) return { text, opening: last.opening, name: last.name, value };
  return { text, opening: `${spelled}:`, name: spelled.toLowerCase(), value };
}

function put(headers: Record<string, string | readonly string[]>, name: string, value: string): void {
  const before = headers[name];
  headers[name] = before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value];
}

/** An object made of this has no names of its own to begin with, and is read faster than one made of nothing. */
const NO_FIELDS: object = Object.create(null) as object;
const LINE_END = '\r\n';
const STATUS_LINE = /^HTTP\/1\.[01] [1-9]\d\d(?: |\r|$)/;
const STATUS_AT = 'HTTP/1.1 '.length;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what it keeps out
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
