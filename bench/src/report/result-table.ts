import type { Goal, Row } from '../measure/figure.ts';
import { judge } from '../measure/verdict.ts';
import { formatNumber, formatSpread } from './quantity.ts';
import { textTable } from './text-table.ts';

/** The table's columns; the first holds ids. */
export const HEADINGS = ['', 'figure', 'value', 'baseline', 'ratio', 'goal', 'verdict'];

/** The one table that a run prints. */
export function resultTable(rows: readonly Row[]): string {
  return textTable([HEADINGS, ...rows.map(cellsOf)]);
}

/** A row as the table's cells, one for each heading. */
export function cellsOf(row: Row): string[] {
  const { baseline, ratio, goal, unit } = row;
  return [
    row.id,
    row.figure,
    formatSpread(row.value, unit),
    baseline === null ? '–' : `${baseline.name}: ${formatSpread(baseline.value, baseline.unit)}`,
    ratio === null ? '–' : formatSpread(ratio, '×'),
    goal === null ? '–' : goalText(goal, unit),
    verdictText(row),
  ];
}

function goalText({ type, of, bound }: Goal, unit: string): string {
  const sign = type === 'at_least' ? '≥' : '≤';
  return `${sign} ${bound}${of === 'ratio' ? '×' : ` ${unit}`}`;
}

function verdictText(row: Row): string {
  const verdict = judge(row);
  switch (verdict.type) {
    case 'met':
      return 'met';
    case 'missed':
      return `missed by ${formatNumber(verdict.by)}×`;
    case 'informs':
      return '–';
    default:
      return verdict satisfies never;
  }
}
