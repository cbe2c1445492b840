import type { BatchProgress, RunReport } from '@batchwright/client';
import { reportObject } from '../answers/report-json.ts';
import { reportText } from '../answers/report-text.ts';
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_OVER_BUDGET, type Host } from '../host.ts';
import { counted, grouped, money, moneyAlike } from '../output/figures.ts';
import { paintFor } from '../progress/paint.ts';
import type { RunDisplay } from '../progress/run-display.ts';
import type { BulkCommand } from './bulk-command.ts';
import { finishedLines, isAsAsked, type FinishedRun } from './finished-run.ts';

/** How a run ended, for this time. */
export type RunOutcome =
  | { readonly type: 'finished'; readonly report: RunReport }
  | FinishedRun
  /** Before anything was done. */
  | { readonly type: 'left_early' }
  | ({ readonly type: 'left' } & Unfinished)
  | ({
      readonly type: 'over_budget';
      readonly spentNanoUsd: number;
      readonly nextNanoUsd: number;
      readonly wholeNanoUsd: number;
      readonly maxNanoUsd: number;
    } & Unfinished);

/** What is kept of a run that is not over. */
interface Unfinished {
  readonly report: RunReport;
  readonly server: string;
  readonly isEmbedded: boolean;
  readonly batches: readonly BatchProgress[];
}

/** Tells people and machines how the run ended, and answers the exit code. */
export function tellOutcome(outcome: RunOutcome, command: BulkCommand, display: RunDisplay, host: Host): number {
  display.end(outcome.type === 'finished' ? 'goes' : 'stays');
  const exitCode = exitCodeOf(outcome, command);
  const lines = outcomeLines(outcome, command);
  if (outcome.type === 'finished') tellReport(outcome.report, command, display, host);
  if (outcome.type === 'left' || outcome.type === 'over_budget') display.event(reportObject(outcome.report));
  const isWrong = outcome.type === 'over_budget' || (outcome.type === 'already_finished' && exitCode !== EXIT_OK);
  // Machines have them in the last event; what is wrong is told on standard error as well.
  for (const line of lines)
    if (isWrong) display.warn(line);
    else if (!command.settings.json) display.say(line);
  display.event({
    type: 'ended',
    outcome: outcome.type === 'left_early' ? 'left' : outcome.type,
    exit_code: exitCode,
    message: lines.length === 0 ? null : lines.join(' '),
  });
  return exitCode;
}

function tellReport(report: RunReport, { settings }: BulkCommand, display: RunDisplay, host: Host): void {
  display.event(reportObject(report));
  if (settings.json || settings.quiet) return;
  const columns = host.errSize()?.columns ?? host.columns;
  host.err(reportText(report, { columns, paint: paintFor(host, settings.colour) }));
}

function exitCodeOf(outcome: RunOutcome, command: BulkCommand): number {
  switch (outcome.type) {
    case 'finished': {
      const { requests, counts, rejected } = outcome.report;
      return counts.succeeded - rejected === requests ? EXIT_OK : EXIT_FAILED;
    }
    case 'already_finished':
      return isAsAsked(outcome, command) ? EXIT_OK : EXIT_FAILED;
    case 'left':
    case 'left_early':
      return EXIT_INTERRUPTED;
    case 'over_budget':
      return EXIT_OVER_BUDGET;
    default:
      return outcome satisfies never;
  }
}

function outcomeLines(outcome: RunOutcome, command: BulkCommand): readonly string[] {
  const { output, runDir } = command;
  switch (outcome.type) {
    case 'finished':
      return output.path === '-' ? [] : [`Answers: ${output.path}`];
    case 'already_finished':
      return finishedLines(outcome, command);
    case 'left_early':
      return ['Left before it began. The same command begins again where it is.'];
    case 'left':
      return leftLines(outcome, runDir);
    case 'over_budget':
      return budgetLines(outcome, runDir);
    default:
      return outcome satisfies never;
  }
}

function leftLines({ report, server, isEmbedded, batches }: Unfinished, runDir: string): readonly string[] {
  const settled = report.requests - report.unsettled;
  const underWay = batches.filter(({ state }) => state === 'in_progress' || state === 'canceling').length;
  const goesOn =
    underWay === 0 || isEmbedded
      ? ''
      : ` ${counted(underWay, 'batch goes', 'batches go')} on by themselves: ${server}.`;
  return [
    `Left with ${grouped(settled)} of ${counted(report.requests, 'request')} settled; all of it is kept in ${runDir}.${goesOn}`,
    'The same command takes it up where it is.',
  ];
}

function budgetLines(
  outcome: Extract<RunOutcome, { readonly type: 'over_budget' }>,
  runDir: string,
): readonly string[] {
  const { spentNanoUsd, nextNanoUsd, wholeNanoUsd, maxNanoUsd, report, batches } = outcome;
  const [paid, next, all] = moneyAlike([spentNanoUsd, nextNanoUsd, wholeNanoUsd]);
  const spent = spentNanoUsd === 0 ? 'nothing was spent' : `${paid} was spent`;
  const whole = wholeNanoUsd > nextNanoUsd ? `, the whole run ${all}` : '';
  // Batches are cut once; those of a run of which none was sent can still be cut smaller.
  const isCut = batches.some(({ id }) => id !== null) || report.requests < 2;
  const smaller = isCut ? '' : ', or one with smaller batches (--batch-requests),';
  return [
    `stopped by --max-cost ${money(maxNanoUsd)}: ${spent}, and what comes next is expected to cost ${next}${whole}. ` +
      `${grouped(report.requests - report.unsettled)} of ${counted(report.requests, 'request')} are settled, and kept in ${runDir}. ` +
      `The same command with a higher --max-cost${smaller} goes on.`,
  ];
}
