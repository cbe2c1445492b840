import { describe, expect, it } from 'vitest';
import { checkRequest } from './request-line.ts';
import { lineFrom, textOf } from './requests.fixture.ts';

function messageOf(text: string): string {
  const checked = checkRequest(lineFrom(text, 'a.jsonl line 17'), 16);
  if (checked.type !== 'fault') throw new Error('The request was taken.');
  return checked.message;
}

describe('a request', () => {
  it.each([
    ['a line', '{"custom_id":"a-1","params":{"x":1.50}}', '{"custom_id":"a-1","params":{"x":1.50}}'],
    ['space around it', ' {"params" : {} , "custom_id":"a-1"}\r', '{"params" : {} , "custom_id":"a-1"}'],
    ['an id spelled with escapes', '{"custom_id":"\\u0061-1","params":{}}', '{"custom_id":"\\u0061-1","params":{}}'],
    ['keys given twice: the last counts', '{"custom_id":"b","custom_id":"a-1","params":1,"params":{}}', undefined],
  ])('is taken byte for byte: %s', (_, text, kept = text) => {
    const checked = checkRequest(lineFrom(text), 0);
    expect(checked).toMatchObject({ type: 'request', customId: 'a-1' });
    expect(checked.type === 'request' && textOf(checked.line)).toBe(kept);
  });

  it('may be an object', () => {
    const checked = checkRequest({ custom_id: 'a', params: { messages: ['é'] } }, 0);
    expect(checked.type === 'request' && textOf(checked.line)).toBe('{"custom_id":"a","params":{"messages":["é"]}}');
  });

  it('that is an object is named by its place', () => {
    expect(checkRequest({ custom_id: 'a b', params: {} }, 4)).toMatchObject({
      message: expect.stringMatching(/^request 5: custom_id: String should match pattern/),
    });
    const self: Record<string, unknown> = {};
    self['self'] = self;
    expect(checkRequest({ custom_id: 'a', params: self }, 0)).toMatchObject({
      message: expect.stringMatching(/^request 1: It has no form in JSON/),
    });
  });
});

describe('a fault names the line, the value and the remedy', () => {
  it.each([
    [
      'Not valid JSON: unexpected character at byte 31, in ":"a","params":{"x":}}.',
      '{"custom_id":"a","params":{"x":}}',
    ],
    ['Not valid JSON: the line ends at byte 16, before its JSON does.', '{"custom_id":"a"'],
    ['unexpected character at byte 29', '{"custom_id":"a","params":{}},{}'],
    ['The line is empty.', '  '],
    ['Input should be an object, not [1,2].', '[1,2]'],
    ['custom_id: Field required. Give every request an id of its own.', '{"params":{}}'],
    ['custom_id: Input should be a valid string, not 7.', '{"custom_id":7,"params":{}}'],
    ['custom_id: String should have at least 1 character', '{"custom_id":"","params":{}}'],
    ['; it is "a b". Use letters, digits, "_" and "-".', '{"custom_id":"a b","params":{}}'],
    ['" has 65. Shorten it.', `{"custom_id":"${'x'.repeat(65)}","params":{}}`],
    ['params: Field required. A request is {"custom_id":…,"params":{…}}.', '{"custom_id":"a"}'],
    ['params: Input should be an object.', '{"custom_id":"a","params":[]}'],
    ['extra: Extra inputs are not permitted.', '{"custom_id":"a","params":{},"extra":1}'],
    ['The request has line breaks in it.', '{"custom_id":"a",\n"params":{}}'],
    ['nested too deep', `{"custom_id":"a","params":{"x":${'['.repeat(9_998)}${']'.repeat(9_998)}}}`],
    ['the API takes at most 33554432.', `{"custom_id":"a","params":{"x":"${'y'.repeat(33_554_432)}"}}`],
  ])('%s', (words, text) => {
    const message = messageOf(text);
    expect(message).toContain(words);
    expect(message).toMatch(/^a\.jsonl line 17: /);
    expect(message).not.toContain('\n');
  });

  it('of bytes that are no text', () => {
    const line = lineFrom('{"custom_id":"a","params":{"x":"?"}}');
    line.line.set([0xff], line.line.indexOf(0x3f));
    expect(checkRequest(line, 0)).toMatchObject({ message: expect.stringContaining('invalid UTF-8 at byte 32') });
  });

  it('and tells a terminal nothing', () => {
    expect(messageOf('{"custom_id":"\\u001b[2J","params":{}}')).not.toContain('\u001B');
    expect(messageOf('\u001B[2J')).not.toContain('\u001B');
  });
});
