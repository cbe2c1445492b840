import { harmless, widthOf, wrapped } from '../answers/terminal-text.ts';

/** A label and what is to be said of it. */
export type Field = readonly [label: string, value: string];

/** Labels and values, one a line: aligned and wrapped for a terminal, separated by a tab for a pipe. */
export function formatFields(fields: readonly Field[], forTerminal: boolean, columns: number): string {
  if (!forTerminal) return fields.map(([label, value]) => `${label}\t${oneLine(value)}\n`).join('');
  const labels = Math.max(...fields.map(([label]) => widthOf(label)));
  return fields.map(([label, value]) => formatField(label, oneLine(value), labels + GAP, columns)).join('');
}

/** A value with a word that does not fit beside its label goes below it. */
function formatField(label: string, value: string, indent: number, columns: number): string {
  const widest = Math.max(...value.split(' ').map(widthOf));
  if (indent + widest > columns) return `${label}\n${indented(wrapped(value, columns - GAP), GAP)}`;
  return `${label}${indented(wrapped(value, columns - indent), indent).slice(widthOf(label))}`;
}

const GAP = 2;

function oneLine(value: string): string {
  return harmless(value).replaceAll('\n', ' ');
}

function indented(lines: readonly string[], by: number): string {
  return lines.map((line) => `${' '.repeat(by)}${line}`.trimEnd() + '\n').join('');
}
