import type { Outcome } from '../case-play.ts';
import { makespanFloorMs, type CaseResult } from '../measure-case.ts';
import { columns, seconds, whole } from './columns.ts';

const HEADINGS = [
  '',
  'written',
  'read',
  'input',
  'η',
  'makespan s',
  '÷ bound',
  '÷ bubble',
  'delayed',
  'idle s',
  'written again',
];

/** What a case came to: the bound first, then ours, then what it is compared with. */
export function caseLines(result: CaseResult): string[] {
  const { case: measured, requests, ours, others, bound } = result;
  const floorMs = makespanFloorMs(result);
  const places = measured.concurrency === 1 ? 'one at a time' : `${whole(measured.concurrency)} at a time`;
  return [
    `${measured.id}  ${measured.title}`,
    `    ${whole(requests)} requests, ${places}, markers: ${measured.markers}; ${timesText(result)}`,
    ...columns(
      HEADINGS,
      [
        ['bound', whole(bound.written), whole(bound.read), whole(bound.input), '1', seconds(floorMs)],
        ...[ours, ...others].map((outcome) => outcomeCells(outcome, result)),
      ],
      '    ',
    ),
    ...notes(result).map((note) => `    ${note}`),
    '',
  ];
}

function timesText({ planMs, decisionUs, decisions, eventsPerMinute }: CaseResult): string {
  const { p50, p99 } = decisionUs;
  return (
    `planned in ${whole(planMs)} ms; ${whole(decisions)} decisions of ${p50.toFixed(2)} µs, ` +
    `p99 ${p99.toFixed(2)} µs; ${(eventsPerMinute / 1e6).toFixed(0)} M events a minute`
  );
}

function outcomeCells(outcome: Outcome, result: CaseResult): string[] {
  const floorMs = makespanFloorMs(result);
  const bubbleMs = Math.max(floorMs, result.bubbleMs);
  const again = outcome.duplicates.map(({ cause, writes }) => `${cause} ${whole(writes)}`).join(', ');
  return [
    outcome.order,
    whole(outcome.written),
    whole(outcome.read),
    whole(outcome.input),
    outcome.efficiency.toFixed(4),
    seconds(outcome.makespanMs),
    (outcome.makespanMs / floorMs).toFixed(4),
    (outcome.makespanMs / bubbleMs).toFixed(4),
    whole(outcome.delayed),
    whole(outcome.idleMs / 1000),
    again === '' ? '–' : again,
  ];
}

function notes({ case: measured, lossyEfficiency, openAtRestart, ours, replicaEfficiency }: CaseResult): string[] {
  const written = ours.duplicates.reduce((sum, { writes }) => sum + writes, 0);
  return [
    ...(lossyEfficiency === null
      ? []
      : [`against the best to expect with such losses: η ${lossyEfficiency.toFixed(4)}`]),
    ...(replicaEfficiency === null
      ? []
      : [`each replica against the bound of what came to it: η ${replicaEfficiency.toFixed(4)}`]),
    ...(openAtRestart === null ? [] : [`${openAtRestart} prefixes open at the restart, ${written} written again`]),
    ...(ours.retries > 0 ? [`${whole(ours.retries)} calls tried again`] : []),
    ...(measured.note === undefined ? [] : [measured.note]),
  ];
}
