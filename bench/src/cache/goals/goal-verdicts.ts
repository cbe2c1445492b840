import type { ForwardedBytes } from '../bytes/forwarded-bytes.ts';
import { makespanFloorMs, type CaseResult } from '../measure-case.ts';
import type { PlayedTable } from '../tables/played-tables.ts';

/** Whether a goal was reached, and what says so. */
export interface GoalVerdict {
  readonly id: string;
  readonly goal: string;
  readonly verdict: 'met' | 'missed' | 'not measured';
  /** What missed it and by how much, or the narrowest that met it. */
  readonly because: string;
}

/** Everything that was measured. */
export interface Measured {
  readonly results: readonly CaseResult[];
  readonly tables: readonly PlayedTable[];
  /** Requests whose forwarded bytes differ beyond markers, of how many; null where that was not measured. */
  readonly bytes: ForwardedBytes | null;
}

export function goalVerdicts({ results, tables, bytes }: Measured): readonly GoalVerdict[] {
  return [
    judged('C1', 'tokens written and read equal the bound', results, ({ goals }) => goals.isExact === true, exactness),
    judged(
      'C2',
      'efficiency: W10 ≥ 0.999, W12 ≥ 0.995, W13 ≥ 0.98',
      results,
      ({ goals }) => goals.efficiency !== undefined,
      efficiency,
    ),
    judged(
      'C3',
      'makespan ÷ bound, all places there: W2, W6, W7, W8 ≤ 1.005, W3, W9 ≤ 1.05, all ≤ 2',
      results,
      hasMakespanGoal,
      makespan,
    ),
    judged(
      'C4',
      'W4, W5 below the minimum: nobody delayed',
      results,
      ({ goals }) => goals.isUndelayed === true,
      undelayed,
    ),
    bytesVerdict(bytes),
    judged(
      'C6',
      'decision p99 ≤ 20 µs, ≥ 1,000,000 events a minute',
      results.filter(({ decisions }) => decisions >= FEWEST_DECISIONS),
      () => true,
      pace,
    ),
    tablesVerdict(tables),
  ];
}

/** How far a case is from a goal: a ratio over 1 misses it. */
interface Distance {
  readonly ratio: number;
  readonly text: string;
}

function judged(
  id: string,
  goal: string,
  results: readonly CaseResult[],
  isJudged: (measured: CaseResult['case']) => boolean,
  distance: (result: CaseResult) => Distance,
): GoalVerdict {
  const distances = results
    .filter((result) => isJudged(result.case))
    .map((result) => ({ id: result.case.id, ...distance(result) }))
    .sort((a, b) => b.ratio - a.ratio);
  const [worst] = distances;
  if (worst === undefined) return { id, goal, verdict: 'not measured', because: 'none of its workloads was asked for' };
  const missed = distances.filter(({ ratio }) => ratio > 1);
  return {
    id,
    goal,
    verdict: missed.length > 0 ? 'missed' : 'met',
    because: missed.length > 0 ? toldOf(missed) : metBecause(distances),
  };
}

interface CaseDistance extends Distance {
  readonly id: string;
}

const toldOf = (distances: readonly CaseDistance[]): string =>
  distances.map(({ id, text }) => `${id} ${text}`).join('; ');

/** So many cases are all told, and of more the one that is closest to missing. */
const FEW = 5;

function metBecause(distances: readonly CaseDistance[]): string {
  const [closest, ...others] = distances;
  if (closest === undefined || distances.length === 1) return toldOf(distances);
  if (others.every(({ text }) => text === closest.text)) return `${closest.text}, all ${distances.length}`;
  return distances.length <= FEW ? toldOf(distances) : `${toldOf([closest])}, the closest of ${distances.length}`;
}

function exactness({ ours, bound }: CaseResult): Distance {
  const written = ours.written - bound.written;
  const read = ours.read - bound.read;
  const isExact = written === 0 && read === 0;
  return {
    ratio: isExact ? 1 : 1 + Math.abs(written) / Math.max(1, bound.written),
    text: isExact ? 'to the token' : `${signed(written)} tokens written, ${signed(read)} read`,
  };
}

function efficiency({ case: { goals }, ours, lossyEfficiency, replicaEfficiency }: CaseResult): Distance {
  const reached = lossyEfficiency ?? replicaEfficiency ?? ours.efficiency;
  const least = goals.efficiency ?? 1;
  const text = `${reached.toFixed(4)} of ${least}`;
  // Where reads get lost the bound is out of anybody's reach: what is judged and what is so both have to be said.
  const besides =
    lossyEfficiency === null ? '' : ` (against the best to expect; ${ours.efficiency.toFixed(4)} of the bound)`;
  return { ratio: least / reached, text: `${text}${besides}` };
}

/** A few calls at a time and the time until they are known, or cancels and restarts, make no makespan to judge. */
function hasMakespanGoal({ goals }: CaseResult['case']): boolean {
  return goals.makespan !== null;
}

function makespan(result: CaseResult): Distance {
  const most = result.case.goals.makespan ?? 2;
  const reached = result.ours.makespanMs / makespanFloorMs(result);
  return { ratio: reached / most, text: `${reached.toFixed(4)} of ${most}` };
}

function undelayed({ ours, others }: CaseResult): Distance {
  const fifo = others.find(({ order }) => order === 'first in, first out');
  const later = fifo === undefined ? 0 : ours.makespanMs - fifo.makespanMs;
  const isSame = ours.delayed === 0 && later === 0;
  return {
    ratio: isSame ? 1 : 2,
    text: isSame
      ? 'ends with a plain queue, to the millisecond'
      : `${ours.delayed} delayed, ${later} ms after a plain queue`,
  };
}

/** Of a thousand calls the ten slowest are those made before anything was compiled. */
const FEWEST_DECISIONS = 10_000;

function pace({ decisionUs, eventsPerMinute }: CaseResult): Distance {
  const slowest = Math.max(decisionUs.p99 / 20, 1e6 / eventsPerMinute);
  return { ratio: slowest, text: `${decisionUs.p99.toFixed(1)} µs, ${(eventsPerMinute / 1e6).toFixed(0)} M a minute` };
}

function bytesVerdict(bytes: Measured['bytes']): GoalVerdict {
  const goal = 'bytes changed in a prompt, markers aside: 0';
  if (bytes === null) return { id: 'C5', goal, verdict: 'not measured', because: 'not asked for' };
  return {
    id: 'C5',
    goal,
    verdict: bytes.changed === 0 ? 'met' : 'missed',
    because: `${bytes.changed} of ${bytes.requests} requests changed through a whole server that put in ${bytes.markers} markers`,
  };
}

function tablesVerdict(tables: readonly PlayedTable[]): GoalVerdict {
  const goal = 'the worked tables (a)–(g), reproduced';
  if (tables.length === 0) return { id: 'C7', goal, verdict: 'not measured', because: 'not asked for' };
  const rows = tables.flatMap(({ id, rows: played }) => played.map((row) => ({ id, ...row })));
  const differing = rows.filter(({ differences }) => differences.length > 0);
  const because =
    differing.length === 0
      ? `${rows.length} rows agree in tokens, dollars and seconds`
      : differing.map(({ id, row, differences }) => `(${id}) ${row.strategy}: ${differences.join(', ')}`).join('; ');
  return { id: 'C7', goal, verdict: differing.length === 0 ? 'met' : 'missed', because };
}

const signed = (value: number): string => (value > 0 ? `+${value}` : `${value}`);
