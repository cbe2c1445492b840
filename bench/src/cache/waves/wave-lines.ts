import type { GoalVerdict } from '../goals/goal-verdicts.ts';
import { columns, dollars, whole } from '../report/columns.ts';
import type { SentOutcome, WaveResult } from './measure-waves.ts';
import { WAVE_MS } from './wave-cases.ts';

const HEADINGS = ['', 'waves', 'written', 'read', 'input', 'η', 'half $'];

/** What a case in waves came to: the bound first, then ours, then one batch for all. */
export function waveLines({
  case: measured,
  requests,
  bound,
  ours,
  others,
  isAsPredicted,
  planMs,
}: WaveResult): string[] {
  const outcomes: readonly SentOutcome[] = [ours, ...others];
  return [
    `${measured.id}  ${measured.title}`,
    `    ${whole(requests)} requests, ${WAVE_MS / 60_000} minutes a wave, entries of an hour; planned in ${whole(planMs)} ms`,
    ...columns(
      HEADINGS,
      [
        ['bound', '', whole(bound.written), whole(bound.read), whole(bound.input), '1', ''],
        ...outcomes.map(({ order, waves, written, read, input, efficiency, usd }) => [
          order,
          whole(waves),
          whole(written),
          whole(read),
          whole(input),
          efficiency.toFixed(4),
          dollars(usd, usd < 1 ? 4 : 2),
        ]),
      ],
      '    ',
    ),
    `    ${isAsPredicted ? 'each wave was billed for what was predicted, to the token' : 'NOT billed as predicted'}`,
    '',
  ];
}

/** W17 has a target of its own beside the goals. */
export function waveVerdicts(results: readonly WaveResult[]): readonly GoalVerdict[] {
  const judged = results.filter(({ case: { efficiency } }) => efficiency !== null);
  if (judged.length === 0) return [];
  const missed = judged.filter(
    ({ case: { efficiency }, ours, isAsPredicted }) => ours.efficiency < (efficiency ?? 0) || !isAsPredicted,
  );
  const told = (missed.length > 0 ? missed : judged).map(
    ({ case: { id }, ours }) => `${id} ${ours.efficiency.toFixed(4)}`,
  );
  return [
    {
      id: 'W17',
      goal: 'waves: ≥ 0.999 of the optimum of entries that live an hour, billed as predicted',
      verdict: missed.length > 0 ? 'missed' : 'met',
      because: told.join('; '),
    },
  ];
}
