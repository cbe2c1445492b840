import type { BenchProcesses } from '../processes/bench-processes.ts';
import type { Spread } from './spread.ts';

/** One line of the table. */
export interface Row {
  /** As in the list of goals: P1, P1b, … */
  readonly id: string;
  readonly figure: string;
  readonly unit: string;
  readonly value: Spread;
  readonly baseline: { readonly name: string; readonly unit: string; readonly value: Spread } | null;
  readonly ratio: Spread | null;
  /** Null for rows that only inform. */
  readonly goal: Goal | null;
}

/** A bound on a row's value or ratio; the median is judged. */
export interface Goal {
  readonly type: 'at_least' | 'at_most';
  readonly of: 'value' | 'ratio';
  readonly bound: number;
}

/** What a figure has to work with. */
export interface Bench {
  readonly rounds: number;
  readonly processes: BenchProcesses;
  /** An empty directory of its own, on the disk of the checkout; it is removed afterwards. */
  makeDirectory(name: string): string;
  /** Whether a row of this id was asked for. */
  wants(id: string): boolean;
}

/** A group of rows that are measured together. */
export interface Figure {
  readonly name: string;
  readonly ids: readonly string[];
  /** After this the figure is given up and its processes are ended. */
  readonly limitSeconds: number;
  run(bench: Bench): Promise<readonly Row[]>;
}

export const atLeast = (of: Goal['of'], bound: number): Goal => ({ type: 'at_least', of, bound });
export const atMost = (of: Goal['of'], bound: number): Goal => ({ type: 'at_most', of, bound });
