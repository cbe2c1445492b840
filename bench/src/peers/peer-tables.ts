import { formatNumber, formatSpread } from '../report/quantity.ts';
import { spreadOf } from '../measure/spread.ts';
import type { CrashRun } from './crash-run.ts';
import type { FullRun, Parts } from './full-run.ts';
import type { Peer } from './peer.ts';

/** Everything measured of one peer; what failed has no runs, and says why. */
export interface PeerResults {
  readonly peer: Peer;
  readonly instant: readonly FullRun[];
  readonly slow: readonly FullRun[];
  readonly crash: CrashRun | null;
  readonly faults: readonly string[];
}

/** A heading, its columns, and a row a peer. */
export interface PeerTable {
  readonly title: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const SPEED_HEADINGS = ['', 'req/s', 'CPU a request, µs', 'of that beside it', 'peak memory, MB', 'of that beside it'];
const CRASH_HEADINGS = [
  '',
  'answered at the kill',
  'results kept',
  'answers lost',
  'calls made twice',
  'finished after',
  'started again it',
];

/** The three tables of the comparison. */
export function peerTables(results: readonly PeerResults[]): readonly PeerTable[] {
  const speed = (title: string, runsOf: (result: PeerResults) => readonly FullRun[]): PeerTable => ({
    title,
    headings: SPEED_HEADINGS,
    rows: results.map((result) => [result.peer.name, ...speedCells(runsOf(result))]),
  });
  return [
    speed('An upstream that answers at once', ({ instant }) => instant),
    speed('An upstream of 50 ± 25 ms', ({ slow }) => slow),
    {
      title: 'kill -9 half way, upstream of 50 ± 25 ms',
      headings: CRASH_HEADINGS,
      rows: results.map(({ peer, crash }) => [peer.name, ...crashCells(peer, crash)]),
    },
  ];
}

function speedCells(runs: readonly FullRun[]): readonly string[] {
  if (runs.length === 0) return SPEED_HEADINGS.slice(1).map(() => 'not measured');
  const median = (of: (run: FullRun) => number): string => formatNumber(spreadOf(runs.map(of)).median);
  const total = ({ own, beside }: Parts): number => own + beside;
  return [
    formatSpread(spreadOf(runs.map(({ perSecond }) => perSecond)), ''),
    median(({ cpu }) => total(cpu)),
    median(({ cpu }) => cpu.beside),
    median(({ memory }) => total(memory)),
    median(({ memory }) => memory.beside),
  ];
}

function crashCells({ afterCrash }: Peer, crash: CrashRun | null): readonly string[] {
  if (crash === null) return CRASH_HEADINGS.slice(1).map(() => 'not measured');
  const { answered, kept, repeated, secondsToFinish } = crash;
  // A result may be stored whose answer the upstream had not counted yet when it was asked.
  const lost = Math.max(0, answered - kept);
  return [...[answered, kept, lost, repeated].map(formatNumber), `${formatNumber(secondsToFinish)} s`, afterCrash];
}
