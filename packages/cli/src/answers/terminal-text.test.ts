import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { harmless, widthOf, wrapped } from './terminal-text.ts';

describe('text on a terminal', () => {
  test.each([
    ['a\u001B[2Jb', 'a·[2Jb'],
    ['a\r\nb\rc\n', 'a\nb\nc\n'],
    ['a\tb', 'a    b'],
    ['\u0007\u009B31m', '··31m'],
    ['a\u202Eb', 'a·b'],
    ['字 😀 é', '字 😀 é'],
  ])('is harmless: %j', (text, expected) => expect(harmless(text)).toBe(expected));

  test.each([
    ['abc', 3],
    ['字典', 4],
    ['😀', 2],
    ['e\u0301', 1],
    ['한글', 4],
    ['', 0],
  ])('takes as many columns as it is wide: %s', (text, width) => expect(widthOf(text)).toBe(width));
});

describe('wrapped', () => {
  it('breaks between words, and keeps lines that are lines', () => {
    expect(wrapped('one two three four\n\nfive', 9)).toEqual(['one two', 'three', 'four', '', 'five']);
  });

  it('indents what follows the first line of an entry like its text', () => {
    expect(wrapped('- one two three\n  12. one two three', 10)).toEqual([
      '- one two',
      '  three',
      '  12. one',
      '      two',
      '      three',
    ]);
  });

  it('leaves code as it is, and words that are too long', () => {
    const code = '```js\nconst long = "line of code";\n```';
    expect(wrapped(code, 10)).toEqual(code.split('\n'));
    expect(wrapped('see https://example.com/long now', 10)).toEqual(['see', 'https://example.com/long', 'now']);
  });

  it('breaks wide characters anywhere, by their width', () => {
    expect(wrapped('字字字字字', 6)).toEqual(['字字字', '字字']);
  });

  it('loses nothing but space, and is as narrow as words allow', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 12, max: 60 }), (list, columns) => {
        const lines = wrapped(list.join(' '), columns);
        expect(lines.join(' ')).toBe(list.join(' '));
        expect(lines.every((line) => line.length <= columns)).toBe(true);
      }),
    );
  });
});
