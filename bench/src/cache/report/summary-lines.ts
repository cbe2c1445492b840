import { makespanFloorMs, type CaseResult } from '../measure-case.ts';
import { whole } from './columns.ts';

const HEADINGS = [
  'case',
  'requests',
  'at a time',
  'written ÷ bound',
  'η',
  'η first in, first out',
  'η warm-ups first',
  'makespan ÷ bound',
  'first in, first out',
  'delayed',
  'decision p99 µs',
];

/** One line for each case, as a table for a page. */
export function summaryLines(results: readonly CaseResult[]): string[] {
  if (results.length === 0) return [];
  const rows = results.map((result) => cells(result));
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(HEADINGS), line(rule), ...rows.map(line), ''];
}

function cells(result: CaseResult): string[] {
  const { case: measured, requests, ours, others, bound, decisionUs } = result;
  const floorMs = makespanFloorMs(result);
  const queued = others.find(({ order }) => order === 'first in, first out');
  const warmed = others.find(({ order }) => order === 'warm-ups, then fifo');
  return [
    measured.id,
    whole(requests),
    whole(measured.concurrency),
    bound.written === 0 ? '–' : (ours.written / bound.written).toFixed(4),
    ours.efficiency.toFixed(4),
    queued?.efficiency.toFixed(4) ?? '–',
    warmed?.efficiency.toFixed(4) ?? '–',
    (ours.makespanMs / floorMs).toFixed(4),
    queued === undefined ? '–' : (queued.makespanMs / floorMs).toFixed(4),
    whole(ours.delayed),
    decisionUs.p99.toFixed(1),
  ];
}
