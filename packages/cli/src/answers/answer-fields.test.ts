import { describe, expect, it, test } from 'vitest';
import { ANSWER_COLUMNS, fieldsOf } from './answer-fields.ts';
import { answerOf, erroredAnswer, messageOf, textAnswer } from './answers.fixture.ts';

const NOTHING = Object.fromEntries(ANSWER_COLUMNS.map(({ name }) => [name, null]));

const contentFields = (content: readonly unknown[], isStructured = false) =>
  fieldsOf(answerOf('a', { type: 'succeeded', message: messageOf(content) }), isStructured);

describe('the fields of an answer', () => {
  it('are what the message says', () => {
    expect(fieldsOf(textAnswer('a-1', 'Hello.'), false)).toEqual({
      ...NOTHING,
      custom_id: 'a-1',
      outcome: 'succeeded',
      text: 'Hello.',
      stop_reason: 'end_turn',
      model: 'claude-haiku-4-5-20251001',
      input_tokens: 12,
      cache_creation_input_tokens: 34,
      cache_read_input_tokens: 56,
      output_tokens: 78,
    });
  });

  it('tell an error by its inner type', () => {
    const failed = { ...NOTHING, custom_id: 'a', outcome: 'errored' };
    const error = { error_type: 'api_error', error_message: 'broken' };
    expect(fieldsOf(erroredAnswer('a', 'api_error', 'broken'), false)).toEqual({ ...failed, ...error });
    const flat = { type: 'errored', error: { type: 'api_error', message: 'broken' } };
    expect(fieldsOf(answerOf('a', flat as never), false)).toEqual({ ...failed, ...error });
  });

  test.each(['canceled', 'expired'] as const)('of a request that is %s are empty', (type) => {
    expect(fieldsOf(answerOf('a', { type }), false)).toEqual({ ...NOTHING, custom_id: 'a', outcome: type });
  });

  it('of an answer that was not taken say why, and keep what it cost', () => {
    const fields = fieldsOf(textAnswer('a', 'no', 'the answer is not JSON'), true);
    expect(fields).toMatchObject({ outcome: 'rejected', text: 'no', output_tokens: 78, error_type: null });
    expect(fields.error_message).toBe('the answer is not JSON');
  });

  it('join blocks in a row, as citations part them, and set others apart', () => {
    const text = (text: string) => ({ type: 'text', text });
    const content = [
      { type: 'thinking', thinking: 'hm' },
      text('It is '),
      text('so.'),
      { type: 'tool_use' },
      text('Yes.'),
    ];
    expect(contentFields(content).text).toBe('It is so.\n\nYes.');
    expect(contentFields([]).text).toBe('');
  });

  it('hold the tools that were called', () => {
    const call = { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: [1] }, caller: { type: 'direct' } };
    expect(contentFields([call]).tool_calls).toBe('[{"id":"toolu_1","name":"look","input":{"at":[1]}}]');
  });

  it.each([
    [{ type: 'succeeded', message: null }],
    [{ type: 'succeeded', message: { content: 'text', usage: { input_tokens: -1, output_tokens: '3' }, model: 4 } }],
    [{ type: 'errored', error: null }],
    [{}],
  ])('are null where a server says nothing that can be read: %j', (result) => {
    const { custom_id: _, outcome: __, text, ...rest } = fieldsOf(answerOf('a', result as never), true);
    expect(Object.values(rest).every((value) => value === null)).toBe(true);
    expect(text ?? '').toBe('');
  });

  it('of a line that is no JSON are a failure that names it', () => {
    const answer = { customId: 'a-7', line: Buffer.from('{"custom_id"'), rejection: null };
    expect(() => fieldsOf(answer, false)).toThrow('the answer to a-7 is not JSON');
  });
});

describe('json', () => {
  const json = (text: string, isStructured: boolean) => contentFields([{ type: 'text', text }], isStructured).json;

  it('is an object or a list that is the whole text', () => {
    expect(json(' {"a": 1}\n', false)).toBe('{"a": 1}');
    expect(json('[1, 2]', false)).toBe('[1, 2]');
    expect(['42', '"word"', 'null', '{"a": 1} so', '```json\n{}\n```'].map((text) => json(text, false))).toEqual(
      Array.from({ length: 5 }, () => null),
    );
  });

  it('is any JSON where it was asked for, in a fence too', () => {
    const texts = ['42', 'Here:\n```json\n{"a": "```"}\n```\nDone.', 'no'];
    expect(texts.map((text) => json(text, true))).toEqual(['42', '{"a": "```"}', null]);
  });

  it('is one line, with its numbers as they were', () => {
    expect(json('{\n "id": 12345678901234567890,\r\n "text": "a\\nb"\n}', false)).toBe(
      '{  "id": 12345678901234567890,  "text": "a\\nb" }',
    );
  });
});
