import { describe, expect, it } from 'vitest';
import type { Host } from '../host.ts';
import { PLAIN_SUCCESS } from '../answers/report.fixture.ts';
import { batchOf } from '../progress/progress.fixture.ts';
import type { RunDisplay } from '../progress/run-display.ts';
import type { BulkCommand } from './bulk-command.ts';
import { tellOutcome, type RunOutcome } from './run-outcome.ts';

type OverBudget = Extract<RunOutcome, { readonly type: 'over_budget' }>;

/** What is said of a run of ten requests that costs five dollars in all. */
function saidOf(changes: Partial<OverBudget>): string {
  const said: string[] = [];
  const display: Partial<RunDisplay> = {
    end: () => undefined,
    event: () => undefined,
    warn: (line) => void said.push(line),
  };
  const outcome: OverBudget = {
    type: 'over_budget',
    spentNanoUsd: 0,
    nextNanoUsd: 5e8,
    maxNanoUsd: 2e9,
    wholeNanoUsd: 5e9,
    report: { ...PLAIN_SUCCESS, requests: 10, unsettled: 10 },
    batches: [batchOf(0, { state: 'planned', id: null })],
    server: 'http://h',
    isEmbedded: false,
    ...changes,
  };
  const command = { output: { path: 'out.jsonl' }, runDir: 'out.run', settings: {} } as BulkCommand;
  expect(tellOutcome(outcome, command, display as RunDisplay, {} as Host)).toBe(4);
  return said.join('\n');
}

describe('a run that its cap stopped', () => {
  it('says what was spent, what comes next and all of it cost, and what helps', () => {
    expect(saidOf({ spentNanoUsd: 1.5e9, batches: [batchOf(0)] })).toBe(
      'stopped by --max-cost $2.00: $1.50 was spent, and what comes next is expected to cost $0.50, the whole run $5.00. 0 of 10 requests are settled, and kept in out.run. The same command with a higher --max-cost goes on.',
    );
  });

  it('names smaller batches while they can still be cut', () => {
    expect(saidOf({})).toMatch(
      /nothing was spent, .* --max-cost, or one with smaller batches \(--batch-requests\), goes on\.$/,
    );
  });

  it('says nothing twice', () => {
    expect(saidOf({ nextNanoUsd: 5e9 })).not.toContain('whole run');
  });
});
