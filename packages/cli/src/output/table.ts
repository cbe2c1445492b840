/**
 * Rows under headings: aligned for a terminal, tab-separated for a pipe. On a terminal too narrow for them every row is a
 * paragraph of its own, a line for each heading.
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  forTerminal: boolean,
  columns = Infinity,
): string {
  const lines = [headings, ...rows].map((row) => row.map(printable));
  if (!forTerminal) return `${lines.map((row) => row.join('\t')).join('\n')}\n`;
  const widths = headings.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  const aligned = lines.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const isNarrow = rows.length > 0 && Math.max(...aligned.map((line) => line.length)) > columns;
  return isNarrow ? paragraphs(lines, columns) : `${aligned.join('\n')}\n`;
}

/** What a row has nothing of is left out; what does not fit beside its heading, an id as a rule, does without. */
function paragraphs([headings = [], ...rows]: readonly (readonly string[])[], columns: number): string {
  const width = Math.max(...headings.map((heading) => heading.length));
  const line = (cell: string, column: number): string => {
    if (cell === '') return '';
    const isBeside = width + 2 + cell.length <= columns;
    return isBeside ? `${(headings[column] ?? '').padEnd(width)}  ${cell}\n` : `${cell}\n`;
  };
  return rows.map((row) => row.map(line).join('')).join('\n');
}

/** Names are free text; a control character in one must neither break the table nor reach the terminal. */
function printable(cell: string): string {
  return cell.replaceAll(/\p{Cc}|\p{Cf}/gu, '·');
}
