import { describe, expect, it } from 'vitest';
import { kindOfMessage, shorten } from './message-kind.ts';

describe('the kind of a message', () => {
  it.each([
    ['messages.3.content.0.text: Field required', 'messages.….content.….text: Field required'],
    [
      'max_tokens: 9999999 > 64000, which is the maximum for claude-haiku-4-5-20251001',
      'max_tokens: … > …, which is the maximum for claude-haiku-4-5-20251001',
    ],
    ['File `file_011CNha8iCJcU1wXNR6q4V8w` not found.', 'File `…` not found.'],
    ['no such file: file_011CNha8iCJcU1wXNR6q4V8w', 'no such file: …'],
    ['Extra input \'a\' at "b"', 'Extra input \'…\' at "…"'],
    ["custom_id's must be unique, and aren't", "custom_id's must be unique, and aren't"],
    ['timed out after 12.5s (30 s, 1,000ms)', 'timed out after …s (… s, …ms)'],
    ['call 6f1c2a9e-0b1d-4c3e-8f70-1234567890ab failed', 'call … failed'],
    ['trace 0af7651916cd43dd8448eb211c80319c', 'trace …'],
    ['could not load https://example.com/a?b=1 today', 'could not load … today'],
    ['two\n  lines', 'two lines'],
  ])('of “%s” is “%s”', (message, kind) => {
    expect(kindOfMessage(message)).toBe(kind);
  });

  it('has a bound', () => {
    expect(kindOfMessage('word '.repeat(10_000))).toHaveLength(301);
    expect(shorten(`${'a'.repeat(299)}😀😀`)).toBe(`${'a'.repeat(299)}…`);
  });
});
