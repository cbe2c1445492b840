import { describe, expect, it } from 'vitest';
import { readOrder } from './arguments.ts';

const USAGE = {
  kind: 'figure',
  names: ['P1', 'P1b', 'P8'],
  rounds: { usual: 5, least: 1, most: 100 },
  paths: ['profile', 'markdown'],
} as const;

describe('arguments of the bench', () => {
  it('ask for everything in the usual rounds when there are none', () => {
    const order = { names: ['P1', 'P1b', 'P8'], rounds: 5, paths: { profile: null, markdown: null } };
    expect(readOrder([], USAGE)).toEqual({ type: 'order', order });
  });

  it('choose by name, however it is written and in whatever order, and rounds and paths', () => {
    const read = readOrder(['P8', '--rounds', '2', 'p1B', '--profile', 'profiles', '--markdown', 'page.md'], USAGE);
    const order = { names: ['P1b', 'P8'], rounds: 2, paths: { profile: 'profiles', markdown: 'page.md' } };
    expect(read).toEqual({ type: 'order', order });
  });

  it.each([
    [['P99'], 'no figure P99; there are P1, P1b, P8'],
    [['--rounds', '0'], '--rounds takes a whole number from 1 to 100, not 0'],
    [['--rounds', '1.5'], '--rounds takes a whole number from 1 to 100, not 1.5'],
    [['--rounds', '101'], '--rounds takes a whole number from 1 to 100, not 101'],
    [['--rounds'], expect.stringContaining('--rounds')],
    [['--profile'], expect.stringContaining('--profile')],
    [['--markdwon', 'page.md'], expect.stringContaining('--markdwon')],
  ])('are refused in one line when they make no sense: %j', (args, line) => {
    expect(readOrder(args, USAGE)).toEqual({ type: 'misused', line });
  });
});
