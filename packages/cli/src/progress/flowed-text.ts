/** Text in the width of a terminal. Colours take no width, and go where a line has to be cut. */

const SEPARATOR = ' · ';
// oxlint-disable-next-line no-control-regex -- colours are control characters
const COLOURS = /\u001B\[[0-9;]*m/g;

/** Parts on as few lines as they fit; a part is cut only when it is wider than a line alone. */
export function flowed(parts: readonly string[], width: number, separator: string = SEPARATOR): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    const joined = line === '' ? part : `${line}${separator}${part}`;
    if (visibleLength(joined) <= width) line = joined;
    else {
      if (line !== '') lines.push(line);
      line = clipped(part, width);
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** Text cut to a width, with a sign that it was. */
export function clipped(text: string, width: number): string {
  if (visibleLength(text) <= width) return text;
  return `${text.replaceAll(COLOURS, '').slice(0, Math.max(0, width - 1))}…`;
}

/** Characters that are seen. */
export function visibleLength(text: string): number {
  return text.replaceAll(COLOURS, '').length;
}
