import type { Spent } from './strategies.ts';
import { WORKED_TABLES, type WorkedRow, type WorkedTable } from './worked-tables.ts';

export interface PlayedRow {
  readonly row: WorkedRow;
  readonly spent: Spent;
  /** What came out otherwise than it was worked out. */
  readonly differences: readonly string[];
}

export interface PlayedTable extends Pick<WorkedTable, 'id' | 'title'> {
  readonly rows: readonly PlayedRow[];
}

/** Plays the worked examples one by one and compares them, to the digits they were given in. */
export function* playedTables(): Generator<PlayedTable> {
  for (const makeTable of WORKED_TABLES) {
    const { id, title, rows } = makeTable();
    yield { id, title, rows: rows.map((row) => playedRow(row)) };
  }
}

function playedRow(row: WorkedRow): PlayedRow {
  const spent = row.play();
  const differences = [
    ...(spent.written === row.written ? [] : [`written ${row.written}`]),
    ...(spent.read === row.read ? [] : [`read ${row.read}`]),
    ...(agrees(spent.fullUsd, row.full) ? [] : [`$${row.full}`]),
    ...(agrees(spent.halfUsd, row.half) ? [] : [`half $${row.half}`]),
    ...(row.seconds === null || isInTime(spent.seconds, row.seconds, row.isOurs) ? [] : [`${row.seconds} s`]),
  ];
  return { row, spent, differences };
}

function isInTime(actual: number, expected: string, isOurs = false): boolean {
  return agrees(actual, expected) || (isOurs && actual < Number(expected));
}

/** Whether a figure is the one given in so many digits, however its last one was rounded. */
export function agrees(actual: number, expected: string): boolean {
  const unit = 10 ** -(expected.split('.')[1]?.length ?? 0);
  return Math.abs(actual - Number(expected)) <= unit * 0.51;
}
