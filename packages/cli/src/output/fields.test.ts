import { describe, expect, it } from 'vitest';
import { formatFields } from './fields.ts';

describe('formatFields', () => {
  const fields = [
    ['id', 'msgbatch_0123456789'],
    ['status', 'one two three four'],
  ] as const;

  it('aligns and wraps for a terminal', () => {
    expect(formatFields(fields, true, 28)).toBe('id      msgbatch_0123456789\nstatus  one two three four\n');
    expect(formatFields([['status', 'one two three four']], true, 18)).toBe('status  one two\n        three four\n');
  });

  it('puts below its label what does not fit beside it', () => {
    expect(formatFields(fields, true, 24)).toBe('id\n  msgbatch_0123456789\nstatus  one two three\n        four\n');
  });

  it('separates by a tab for a pipe, a line for each', () => {
    expect(formatFields([['a', 'b\nc\u001b[1m']], false, 80)).toBe('a\tb c·[1m\n');
  });
});
