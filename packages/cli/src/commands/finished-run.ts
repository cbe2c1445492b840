/** A run that is asked for again after it was finished: what there is of it, and what helps. */
import { runBatch, type FinalCounts, type RunRecord, type RunStore } from '@batchwright/client';
import { assert } from '@batchwright/core';
import { STANDARD_OUTPUT } from '../answers/answer-format.ts';
import { lookAtOutput, type WrittenOutput } from '../answers/written-format.ts';
import { grouped } from '../output/figures.ts';
import type { BulkCommand } from './bulk-command.ts';
import { removeServerData } from './kept-run.ts';

export interface FinishedRun {
  readonly type: 'already_finished';
  readonly atMs: number;
  /** Null: it was finished by a version that kept none. */
  readonly counts: FinalCounts | null;
  /** Whether what failed can be tried again. */
  readonly canRetry: boolean;
  readonly written: WrittenOutput;
}

/** Looks at a finished run. A crash may have come between the note that it was finished and the removal of what it needed. */
export async function lookAtFinished(
  { output, runDir }: BulkCommand,
  store: RunStore,
  record: RunRecord,
): Promise<FinishedRun> {
  // How it was planned is no matter any more, so it is looked at under the name that it has.
  const run = runBatch([], { store, identity: record.begun?.identity ?? {} });
  const end = await run.settle();
  await run.close();
  assert(end.type === 'already_finished', () => `a finished run came to ${end.type}`);
  await removeServerData(runDir);
  // What went to standard output is nowhere.
  const written = output.path === STANDARD_OUTPUT ? ({ type: 'missing' } as const) : await lookAtOutput(output.path);
  return { type: 'already_finished', atMs: end.atMs, counts: end.counts, canRetry: record.canReopen, written };
}

/** Whether every request succeeded and the answers are where they are asked for, as they are asked for. */
export function isAsAsked(run: FinishedRun, command: BulkCommand): boolean {
  return failuresOf(run) === null && outputFault(run, command) === null;
}

/** What is said of it. */
export function finishedLines(run: FinishedRun, command: BulkCommand): readonly string[] {
  const { path } = command.output;
  const when = new Date(run.atMs).toISOString();
  const fault = outputFault(run, command);
  const failures = failuresOf(run);
  if (failures !== null) {
    const faults = fault === null ? '' : ` But ${fault}.`;
    return [`Finished at ${when}: ${failures}.${faults} ${remedy(run, fault !== null)}`];
  }
  if (fault === null) return [`Already finished at ${when}; the answers are in ${path}. --restart runs it again.`];
  return [`finished at ${when}, but ${fault}, and what was downloaded is kept no longer. ${elsewhere(run, command)}`];
}

/** `35 of 37 succeeded, 2 failed`; null: none did, as far as is known. */
function failuresOf({ counts }: FinishedRun): string | null {
  if (counts === null) return null;
  const taken = counts.succeeded - counts.rejected;
  if (taken === counts.requests) return null;
  return `${grouped(taken)} of ${grouped(counts.requests)} succeeded, ${grouped(counts.requests - taken)} failed`;
}

/** What is wrong with the output that is there; null: nothing. */
function outputFault({ written }: FinishedRun, { output }: BulkCommand): string | null {
  if (output.path === STANDARD_OUTPUT) return 'its answers went to standard output';
  if (written.type === 'missing') return `${output.path} is not there`;
  if (written.format === null || written.format === output.format) return null;
  return `${output.path} holds ${written.format}, not ${output.format}`;
}

function remedy({ canRetry }: FinishedRun, isFaulty: boolean): string {
  if (!canRetry) return '--restart runs all of it anew.';
  const more = isFaulty ? ' and writes all answers' : '';
  return `--retry-failed tries those again${more}; --restart runs all of it anew.`;
}

function elsewhere({ written }: FinishedRun, { output }: BulkCommand): string {
  const anew = 'add --restart to run all of it anew';
  if (output.path === STANDARD_OUTPUT) return `To have them again, ${anew}.`;
  if (written.type === 'missing') return `Name the output it was written to, or ${anew}.`;
  return `Ask for ${written.format ?? 'the same format'} as before, or ${anew}.`;
}
