/**
 * The part of a JSON text that a cut left whole, with its brackets closed: `{"a":[1,"b` gives `{"a":[1]}`. What the cut
 * may have shortened is left out, a key without its value too. Null for a text that is no beginning of JSON, and for one
 * whose beginning holds no value.
 */
export function closeCutJson(text: string): string | null {
  const scan = new CutScan(text);
  if (!scan.run()) return null;
  const closed = text.slice(0, scan.wholeEnd) + scan.closers.reverse().join('');
  return isJson(closed) ? closed : null;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const WORD = /[^\s,:{}[\]"]+/y;
const CUT_NUMBER = /^-?[0-9]*(\.[0-9]*)?([eE][-+]?[0-9]*)?$/;
const LITERALS = ['true', 'false', 'null'] as const;

/** Goes over the tokens; whether they make sense together is for `JSON.parse` to say. */
class CutScan {
  /** Where the last whole value, or the last opening bracket, ends. */
  wholeEnd = 0;
  /** What closes the brackets open there, outermost first. */
  readonly closers: string[] = [];
  readonly #text: string;
  #expectsKey = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** False when the text holds something that no JSON begins with. */
  run(): boolean {
    for (let at = 0; at < this.#text.length;) {
      const next = this.#token(at);
      if (next === null) return false;
      at = next;
    }
    return true;
  }

  #token(at: number): number | null {
    const c = this.#text[at];
    switch (c) {
      case '{':
      case '[':
        this.closers.push(c === '{' ? '}' : ']');
        this.#expectsKey = c === '{';
        return this.#whole(at + 1);
      case '}':
      case ']':
        this.closers.pop();
        return this.#whole(at + 1);
      case ',':
        this.#expectsKey = this.closers.at(-1) === '}';
        return at + 1;
      case '"':
        return this.#string(at);
      default:
        return c === ':' || /\s/.test(c as string) ? at + 1 : this.#word(at);
    }
  }

  #whole(end: number): number {
    this.wholeEnd = end;
    return end;
  }

  #string(open: number): number {
    const end = endOfText(this.#text, open);
    if (end === null) return this.#text.length;
    if (!this.#expectsKey) return this.#whole(end);
    this.#expectsKey = false;
    return end;
  }

  /** A number or a literal; one that runs to the end may have been longer. */
  #word(at: number): number | null {
    WORD.lastIndex = at;
    const word = WORD.exec(this.#text)?.[0] ?? '';
    const end = at + word.length;
    if (end < this.#text.length || LITERALS.some((literal) => literal === word)) return this.#whole(end);
    return CUT_NUMBER.test(word) || LITERALS.some((literal) => literal.startsWith(word)) ? end : null;
  }
}

/** The offset after a string's closing quote; null when it has none. */
function endOfText(text: string, open: number): number | null {
  for (let at = open + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return null;
    let before = at - 1;
    while (text[before] === '\\') before--;
    if ((at - before) % 2 === 1) return at + 1;
  }
}
