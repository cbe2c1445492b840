/** Rows under headings: aligned for a terminal, tab-separated for a pipe. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  forTerminal: boolean,
): string {
  const lines = [headings, ...rows].map((row) => row.map(printable));
  if (!forTerminal) return `${lines.map((row) => row.join('\t')).join('\n')}\n`;
  const widths = headings.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  const aligned = lines.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${aligned.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** Names are free text; a control character in one must neither break the table nor reach the terminal. */
function printable(cell: string): string {
  return cell.replaceAll(/\p{Cc}|\p{Cf}/gu, '·');
}
