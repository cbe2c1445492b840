/** Free text on a terminal: without what would move its cursor, and broken between words. */

/** Control characters would reach the terminal as commands; line breaks and tabs are text. */
export function harmless(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\t', '    ')
    .replaceAll(/(?!\n)\p{Cc}|[\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '·');
}

/**
 * Lines no wider than `columns`, but for words that are; what was on a line of its own stays so. What follows the first
 * line of a list's entry is indented like its text, and code between fences is left as it is.
 */
export function wrapped(text: string, columns: number): readonly string[] {
  let isCode = false;
  return text.split('\n').flatMap((line) => {
    const isFence = /^\s*(?:```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode ? [line] : wrapLine(line, columns);
  });
}

/** Columns a text takes: two for the wide characters of East Asia and emoji, none for marks that combine. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\p{Emoji_Presentation}\u{20000}-\u{3FFFD}]/u;

/** Deeper than this nothing is left of a narrow terminal. */
const WIDEST_INDENT = 8;

function wrapLine(line: string, columns: number): readonly string[] {
  if (widthOf(line) <= columns) return [line];
  const start = /^\s*(?:[-*+•]\s+|\d+[.)]\s+|>\s+)?/.exec(line)?.[0] ?? '';
  const indent = ' '.repeat(Math.min(start.length, WIDEST_INDENT));
  const lines: string[] = [];
  let current = start;
  let isEmpty = true;
  for (const piece of piecesOf(line.slice(start.length))) {
    if (!isEmpty && widthOf(current) + widthOf(piece.trimEnd()) > columns) {
      lines.push(current.trimEnd());
      current = indent;
    }
    current += piece;
    isEmpty = false;
  }
  return [...lines, current.trimEnd()];
}

/** Words with the space after them; wide characters can be parted anywhere. */
function piecesOf(text: string): readonly string[] {
  return (text.match(/\S+\s*/g) ?? []).flatMap((word) => (WIDE.test(word) ? Array.from(word) : [word]));
}
