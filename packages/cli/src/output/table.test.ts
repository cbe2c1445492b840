import { describe, expect, it } from 'vitest';
import { formatTable } from './table.ts';

describe('formatTable', () => {
  const rows = [
    ['1', 'a'],
    ['22222', 'bb'],
  ];

  it('aligns columns for a terminal, without trailing blanks', () => {
    expect(formatTable(['ID', 'NAME'], rows, true)).toBe('ID     NAME\n1      a\n22222  bb\n');
  });

  it('separates by tabs for a pipe', () => {
    expect(formatTable(['ID', 'NAME'], rows, false)).toBe('ID\tNAME\n1\ta\n22222\tbb\n');
  });

  it('makes a paragraph of each row where the terminal is too narrow, without what is empty', () => {
    const wide = formatTable(['ID', 'NAME'], rows, true, 11);
    expect(wide).toBe('ID     NAME\n1      a\n22222  bb\n');
    const narrow = formatTable(['ID', 'NAME'], [...rows, ['3', '']], true, 10);
    expect(narrow).toBe('ID    1\nNAME  a\n\n22222\nNAME  bb\n\nID    3\n');
  });

  it('lets no control character of a name through', () => {
    expect(formatTable(['NAME'], [['a\tb\n\u001b[31mc']], false)).toBe('NAME\na·b··[31mc\n');
  });
});
