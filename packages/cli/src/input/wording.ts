/** How the messages of this room show what users wrote: on one line, short, and so that no terminal obeys it. */

const SHOWN_CHARACTERS = 60;

/** `"a value"`, cut when it is long. */
export function quoted(text: string): string {
  return `"${shortened(text)}"`;
}

/** The text on one line, cut when it is long. */
export function shortened(text: string): string {
  const shown = text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
  return shown.replaceAll(/\p{C}/gu, '\u{FFFD}');
}

const LISTED_NAMES = 12;

/** `"a", "b" and "c"`; of many the first dozen. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_NAMES).map(quoted);
  if (names.length > LISTED_NAMES) return `${shown.join(', ')} and ${names.length - LISTED_NAMES} more`;
  return joined(shown);
}

/** `a, b and c`. */
export function joined(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

const MEGABYTE = 1024 * 1024;

/** `32.0 MB`, counted as the API counts its limits. */
export function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}
