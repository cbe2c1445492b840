import { createColors } from 'picocolors';
import { describe, expect, it, test } from 'vitest';
import { PLAIN } from '../progress/paint.ts';
import { fieldsOf } from './answer-fields.ts';
import { answerText } from './answer-text.ts';
import { answerOf, erroredAnswer, messageOf, textAnswer } from './answers.fixture.ts';
import type { Answer } from './answer-writer.ts';

const TEXT = 'The post names two companies:\n\n1. Anthropic, which makes the Message Batches API\n2. Cloudflare';

function printed(answer: Answer, columns: number | null, colours = false): string {
  const asked = { document: 'post.md', question: 'What companies are mentioned in this blog post?' };
  const paint = colours ? createColors(true) : PLAIN;
  return answerText({ ...asked, fields: fieldsOf(answer, false) }, { columns, paint });
}

describe('an answer', () => {
  it('is printed as wide as the terminal', () => {
    expect(printed(textAnswer('a', TEXT), 40)).toBe(
      [
        'post.md',
        'What companies are mentioned in this',
        'blog post?',
        '',
        'The post names two companies:',
        '',
        '1. Anthropic, which makes the Message',
        '   Batches API',
        '2. Cloudflare',
        '',
        '',
      ].join('\n'),
    );
  });

  it('keeps its lines in a pipe', () => {
    expect(printed(textAnswer('a', TEXT), null)).toBe(
      `post.md\nWhat companies are mentioned in this blog post?\n\n${TEXT}\n\n`,
    );
  });

  it('has colours only where they are wanted, and brings none along', () => {
    expect(printed(textAnswer('a', '\u001B[31mred'), 80, true)).toContain('\u001B[1mWhat companies');
    expect(printed(textAnswer('a', '\u001B[31mred'), 80)).not.toContain('\u001B');
  });

  test.each([
    [erroredAnswer('a', 'api_error', 'broken'), 'No answer: api_error: broken'],
    [answerOf('a', { type: 'expired' }), 'No answer: the request is expired.'],
    [textAnswer('a', 'no', 'the answer is not JSON'), 'no\nNot what was asked for: the answer is not JSON'],
    [textAnswer('a', ''), '(The answer is empty.)'],
    [
      answerOf('a', { type: 'succeeded', message: messageOf([{ type: 'text', text: 'I th' }], 'max_tokens') }),
      'I th\n(Cut off at max_tokens; raise it with --max-tokens.)',
    ],
  ])('that is none, or not all, says so: %#', (answer, end) => {
    expect(printed(answer, 80)).toBe(`post.md\nWhat companies are mentioned in this blog post?\n\n${end}\n\n`);
  });
});
