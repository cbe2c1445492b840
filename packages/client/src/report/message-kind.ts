/** Longer messages are cut: they are shown to people, one line each. */
const LONGEST_MESSAGE = 300;

const ELLIPSIS = '…';

/** What differs between errors of one kind, in the order it is left out. */
const DIFFERENCES: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bhttps?:\/\/[^\s'"`]+/g, ELLIPSIS],
  [/"[^"\n]*"/g, `"${ELLIPSIS}"`],
  [/`[^`\n]*`/g, `\`${ELLIPSIS}\``],
  // An apostrophe inside a word quotes nothing.
  [/(?<!\w)'[^'\n]*'(?!\w)/g, `'${ELLIPSIS}'`],
  [/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, ELLIPSIS],
  // The ids of the API: a prefix and 24 letters and digits, or about as many.
  [/\b[a-z]+_[\dA-Za-z]{16,}\b/g, ELLIPSIS],
  [/\b(?=[a-f]*\d)[\da-f]{12,}\b/gi, ELLIPSIS],
  // Figures, but not those in names: `claude-haiku-4-5` stays what it is.
  [/(?<![\w-])\d+(?:[.,:]\d+)*(?=(?:ms|s|m|h|[kKMG]?i?B|%)?(?![\w-]))/g, ELLIPSIS],
];

/** An error's message without what differs from request to request: numbers, ids, addresses and quoted values. */
export function kindOfMessage(message: string): string {
  let kind = message
    .slice(0, 4 * LONGEST_MESSAGE)
    .replaceAll(/\s+/g, ' ')
    .trim();
  for (const [pattern, instead] of DIFFERENCES) kind = kind.replaceAll(pattern, instead);
  return shorten(kind);
}

/** A message on one line, cut where it is too long to be shown. */
export function shorten(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= LONGEST_MESSAGE) return line;
  const last = line.charCodeAt(LONGEST_MESSAGE - 1);
  // Half of a surrogate pair would be shown as a replacement character.
  return `${line.slice(0, last >= 0xd800 && last <= 0xdbff ? LONGEST_MESSAGE - 1 : LONGEST_MESSAGE)}${ELLIPSIS}`;
}
