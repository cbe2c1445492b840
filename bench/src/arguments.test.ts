import { describe, expect, it } from 'vitest';
import { readOrder } from './arguments.ts';

const KNOWN = ['P1', 'P1b', 'P8'];

describe('arguments of the bench', () => {
  it('ask for everything in five rounds when there are none', () => {
    const read = readOrder([], KNOWN);
    expect(read).toEqual({
      type: 'order',
      order: { ids: new Set(), rounds: 5, profileDirectory: null, markdownFile: null },
    });
  });

  it('choose figures by id, however it is written, and rounds', () => {
    const read = readOrder(['p1B', '--rounds', '2', 'P8', '--profile', 'profiles', '--markdown', 'page.md'], KNOWN);
    expect(read).toEqual({
      type: 'order',
      order: { ids: new Set(['P1b', 'P8']), rounds: 2, profileDirectory: 'profiles', markdownFile: 'page.md' },
    });
  });

  it.each([[['P99']], [['--rounds', '0']], [['--rounds', '1.5']], [['--rounds']], [['--profile']], [['--markdown']]])(
    'are refused in one line when they make no sense: %j',
    (args) => {
      expect(readOrder(args, KNOWN).type).toBe('misused');
    },
  );
});
