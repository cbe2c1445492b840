import { createColors } from 'picocolors';
import type { RunReport } from '@batchwright/client';
import { describe, expect, it } from 'vitest';
import { PLAIN } from '../progress/paint.ts';
import { MIXED, PLAIN_SUCCESS, usage } from './report.fixture.ts';
import { reportText } from './report-text.ts';

const at = (columns: number, report: RunReport): string => reportText(report, { columns, paint: PLAIN });
// eslint-disable-next-line no-control-regex -- colours are control characters
const withoutColours = (text: string): string => text.replaceAll(/\u001B\[\d+m/g, '');

const WIDE = `989,500 of 1,000,000 requests succeeded.

Outcomes
  succeeded          989,500  99%
  answers not taken      500  <1%
  errored              9,000  <1%
  expired              1,000  <1%
  12,000 requests tried again, 15,000 more tries

Commonest failures
  8,999 × invalid_request_error
      messages.…: at least one message is required
      such as row-0000017: messages.0: at least one message is required
      Mend these requests in the input; another try cannot help.
  1,000 × expired
      the batch expired before it was sent to the model
      such as row-0900000
      Try these again with --retry-failed; fewer at once end sooner.
  1 × odd_error
      odd
      such as row-0000001
      Try these again later with --retry-failed.

Tokens and cost
  input                50,000,000   $25.00
  cache write, 1 h      2,000,000    $2.00
  cache read        1,998,000,000   $99.90
  output              300,000,000  $750.00
  in all            2,350,000,000  $876.90
  97% of prompt tokens were read from the cache

Saved
  by batching    $876.90  50%
  by caching     $898.10  51%
  in all       $2,673.10  75%
  Call by call and without a cache it would have been $3,550.00.

2 h 10 min · 23 batches · 2 waves
`;

const NARROW = `989,500 of 1,000,000 requests succeeded.

Outcomes
  succeeded          989,500  99%
  answers not taken      500  <1%
  errored              9,000  <1%
  expired              1,000  <1%
  12,000 requests tried again, 15,000
  more tries

Commonest failures
  8,999 × invalid_request_error
      messages.…: at least one message
      is required
      such as row-0000017: messages.0:
      at least one message is required
      Mend these requests in the input;
      another try cannot help.
  1,000 × expired
      the batch expired before it was
      sent to the model
      such as row-0900000
      Try these again with
      --retry-failed; fewer at once end
      sooner.
  1 × odd_error
      odd
      such as row-0000001
      Try these again later with
      --retry-failed.

Tokens and cost
  input              50M   $25.00
  cache write, 1 h  2.0M    $2.00
  cache read        2.0G   $99.90
  output            300M  $750.00
  in all            2.4G  $876.90
  97% of prompt tokens were read from
  the cache

Saved
  by batching    $876.90  50%
  by caching     $898.10  51%
  in all       $2,673.10  75%
  Call by call and without a cache it
  would have been $3,550.00.

2 h 10 min · 23 batches · 2 waves
`;

describe('the closing report', () => {
  it.each([80, 120])('on a terminal of %d columns', (columns) => {
    expect(at(columns, MIXED)).toBe(WIDE);
  });

  it('on a terminal of 40 columns', () => {
    expect(at(40, MIXED)).toBe(NARROW);
  });

  it('says no more than there is to say', () => {
    expect(at(80, PLAIN_SUCCESS)).toBe(`All 3 requests succeeded.

Tokens
  input   3,780
  output    900
  in all  4,680
  No cost: no price is known of my-own.

1.2 s · 1 batch
`);
  });

  it('has colours that take no room', () => {
    const coloured = reportText(MIXED, { columns: 80, paint: createColors(true) });
    expect(coloured).toContain('\u001B[31m');
    expect(withoutColours(coloured)).toBe(WIDE);
  });

  it('of a run that was left says how much is to go', () => {
    const counts = { succeeded: 600, errored: 0, canceled: 0, expired: 0 };
    const text = at(80, { ...PLAIN_SUCCESS, requests: 1000, counts, unsettled: 400 });
    expect(text).toMatch(
      /^Left with 400 of 1,000 requests to go\.\n\nOutcomes\n {2}succeeded {2}600 {2}60%\n {2}to go {6}400 {2}40%\n/,
    );
  });

  it('tells models apart, in a row each as long as there is room', () => {
    const haiku = usage({ requests: 2, inputTokens: 5, costNanoUsd: 5_000_000 });
    const totals = new Map([
      ['claude-haiku-4-5-20251001', haiku],
      ['my-own', usage({ requests: 1, unpricedRequests: 1, inputTokens: 5 })],
    ]);
    const section = (columns: number): string | undefined =>
      at(columns, { ...PLAIN_SUCCESS, totals })
        .split('\n\n')
        .find((lines) => lines.startsWith('Models'));
    expect(section(80)).toBe(
      'Models\n  claude-haiku-4-5-20251001  2 answers   $0.0050\n  my-own                      1 answer  no price',
    );
    expect(section(40)).toBe(
      'Models\n  claude-haiku-4-5-20251001\n      2 answers · $0.0050\n  my-own\n      1 answer · no price',
    );
  });

  const savings = (nanoUsd: number, withoutBatchNanoUsd: number, withoutCachingNanoUsd: number): string | undefined => {
    const byKind = { input: nanoUsd, write5m: 0, write1h: 0, read: 0, output: 0 };
    const cost = { nanoUsd, byKind, withoutBatchNanoUsd, withoutCachingNanoUsd };
    return at(80, { ...PLAIN_SUCCESS, cost })
      .split('\n\n')
      .find((lines) => lines.startsWith('Saved'));
  };

  it('has one line for one saving, and none for none', () => {
    expect(savings(5e9, 10e9, 5e9)).toBe(
      'Saved\n  by batching  $5.00  50%\n  Call by call and without a cache it would have been $10.00.',
    );
    expect(savings(5e9, 5e9, 20e9)).toBe(
      'Saved\n  by caching  $15.00  75%\n  Call by call and without a cache it would have been $20.00.',
    );
    expect(savings(5e9, 5e9, 5e9)).toBeUndefined();
    expect(savings(0, 0, 0)).toBeUndefined();
  });

  it('does not hide that caching cost more than it saved', () => {
    expect(savings(5e9, 10e9, 4e9)).toContain('  by caching   -$1.00  -25%\n');
  });

  it('lets nothing of a message reach the terminal as a command', () => {
    const message = 'a\u001B[2J\nb';
    const failures = [{ type: 'x', message, count: 1, example: { customId: 'a', message }, isPermanent: true }];
    expect(at(80, { ...PLAIN_SUCCESS, failures })).toContain('      a·[2J b\n');
  });
});
