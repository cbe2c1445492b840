import { wireError } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { scanBody } from './body.fixture.ts';
import { NESTING_LIMIT } from './scanner.ts';

/** What the API answers to a body: the words on the wire, or `accepted`. */
function answer(body: string | Uint8Array): string {
  const verdict = scanBody(typeof body === 'string' ? new TextEncoder().encode(body) : body);
  return verdict.type === 'accepted' ? 'accepted' : wireError(verdict.problem).message;
}

const requests = (...items: readonly string[]): string => `{"requests":[${items.join(',')}]}`;
const item = (id: string): string => `{"custom_id":${JSON.stringify(id)},"params":{}}`;
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

const NOT_JSON = 'The request body is not valid JSON:';
const PATTERN = "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'";
const TOO_LONG = 'String should have at most 64 characters';

describe('a body that is not JSON is answered with the reason and the byte', () => {
  it.each([
    ['', 'the body is empty'],
    ['{"requests":[', 'the body ends at byte 13, before its JSON does'],
    ['{"requests":1', 'the body ends at byte 13, before its JSON does'],
    ['-', 'the body ends at byte 1, before its JSON does'],
    ['{"requests":[]}}', 'unexpected character at byte 15'],
    ['{"requests":[],}', 'unexpected character at byte 15'],
    ["{'requests':[]}", 'unexpected character at byte 1'],
    ['\ufeff{"requests":[]}', 'unexpected character at byte 0'],
    ['{"a":"\n"}', 'control character inside a string at byte 6'],
    ['{"a":"\\x"}', 'invalid escape sequence at byte 7'],
    ['{"a":"\\u00g0"}', 'invalid escape sequence at byte 10'],
    ['{"a":1.}', 'invalid number at byte 7'],
    ['{"a":01}', 'unexpected character at byte 6'],
    ['{"a":nul}', 'invalid literal at byte 8'],
    ['{"a":tru', 'the body ends at byte 8, before its JSON does'],
    [nested(NESTING_LIMIT + 1), `nested deeper than ${NESTING_LIMIT} levels at byte ${NESTING_LIMIT}`],
  ])('%.30j', (body, reason) => {
    expect(answer(body)).toBe(`${NOT_JSON} ${reason}`);
  });

  it.each([
    ['a lead byte without the rest', [0x22, 0xc3, 0x22], 1],
    ['an overlong form', [0x22, 0x61, 0xc0, 0x80, 0x22], 2],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    ['a character cut by the end', [0x22, 0x61, 0xf0, 0x9f, 0x98], 2],
  ])('UTF-8: %s', (_, bytes, offset) => {
    expect(answer(Uint8Array.from(bytes))).toBe(`${NOT_JSON} invalid UTF-8 at byte ${offset}`);
  });

  it('every control character inside a string, plain or captured, and no other character', () => {
    for (let code = 0; code <= 0x7f; code++) {
      const character = code === 0x22 || code === 0x5c ? '' : String.fromCharCode(code);
      const reason = code < 0x20 ? 'control character inside a string at byte 6' : 'requests: Field required';
      expect(answer(`{"x":"${character}"}`)).toContain(reason);
      const captured = code < 0x20 ? 'control character inside a string at byte 2' : 'requests: Field required';
      expect(answer(`{"${character}":1}`)).toContain(captured);
    }
  });

  it('takes nesting up to its limit', () => {
    // The body, its requests, an item and its params are four levels.
    const deep = `{"requests":[{"custom_id":"a","params":{"x":${nested(NESTING_LIMIT - 4)}}}]}`;
    expect(answer(deep)).toBe('accepted');
    expect(answer(deep.replace('[]', '[[]]'))).toContain(`nested deeper than ${NESTING_LIMIT} levels`);
  });
});

describe('a body that is JSON but no batch is answered in the words of the API', () => {
  it.each([
    ['[]', 'Input should be an object'],
    ['null', 'Input should be an object'],
    ['[{"requests":[]}]', 'Input should be an object'],
    ['{}', 'requests: Field required'],
    ['{"Requests":[]}', 'requests: Field required'],
    ['{"x":{"requests":[1]}}', 'requests: Field required'],
    ['{"requests":{}}', 'requests: Input should be a valid array'],
    ['{"requests":null}', 'requests: Input should be a valid array'],
    [requests(), 'requests: List should have at least 1 item after validation, not 0'],
    [requests('1'), 'requests.0: Input should be an object'],
    [requests('["custom_id"]'), 'requests.0: Input should be an object'],
    [requests('{}'), 'requests.0.custom_id: Field required'],
    [requests('{"params":{}}'), 'requests.0.custom_id: Field required'],
    [requests('{"custom_id":7,"params":{}}'), 'requests.0.custom_id: Input should be a valid string'],
    [requests('{"custom_id":null,"params":{}}'), 'requests.0.custom_id: Input should be a valid string'],
    [requests('{"custom_id":["a"],"params":{}}'), 'requests.0.custom_id: Input should be a valid string'],
    [requests(item('')), 'requests.0.custom_id: String should have at least 1 character'],
    [requests(item('a b')), `requests.0.custom_id: ${PATTERN}`],
    [requests(item('a.b')), `requests.0.custom_id: ${PATTERN}`],
    [requests(item('é')), `requests.0.custom_id: ${PATTERN}`],
    [requests(item('a\n')), `requests.0.custom_id: ${PATTERN}`],
    [requests(item('a'.repeat(65))), `requests.0.custom_id: ${TOO_LONG}`],
    [requests(item('a'.repeat(5_000))), `requests.0.custom_id: ${TOO_LONG}`],
    [requests('{"custom_id":"a"}'), 'requests.0.params: Field required'],
    [requests('{"custom_id":"a","params":[]}'), 'requests.0.params: Input should be an object'],
    [requests('{"custom_id":"a","params":{},"extra":1}'), 'requests.0.extra: Extra inputs are not permitted'],
    [requests('{"custom_id":"a","params":{},"":1}'), 'requests.0.: Extra inputs are not permitted'],
    ['{"requests":[{"custom_id":"a","params":{}}],"more":1}', 'more: Extra inputs are not permitted'],
    [
      requests(item('dup'), item('x'), item('dup')),
      "requests: custom_id's must be unique within a batch. Duplicate custom_id found: dup",
    ],
  ])('%.60s', (body, words) => {
    expect(answer(body)).toBe(words);
  });

  it('counts characters of a custom_id and not bytes', () => {
    expect(answer(requests(item('😀'.repeat(64))))).toBe(`requests.0.custom_id: ${PATTERN}`);
    expect(answer(requests(item('😀'.repeat(65))))).toBe(`requests.0.custom_id: ${TOO_LONG}`);
    const escaped = '\\ud83d\\ude00'.repeat(64);
    expect(answer(requests(`{"custom_id":"${escaped}","params":{}}`))).toBe(`requests.0.custom_id: ${PATTERN}`);
  });

  it('takes no short escape for a long one', () => {
    expect(answer(requests('{"custom_id":"\\n0061","params":{}}'))).toBe(`requests.0.custom_id: ${PATTERN}`);
  });

  it('tells a and A apart', () => {
    expect(answer(requests(item('a'), item('A')))).toBe('accepted');
  });

  it('takes 64 characters', () => {
    expect(answer(requests(item('a'.repeat(64))))).toBe('accepted');
  });
});

describe('of several faults', () => {
  it('names the first item that is not right', () => {
    const body = requests(item('a'), item('b'), item('c'), '{"custom_id":"","params":{}}', '7', item('b c'));
    expect(answer(body)).toBe('requests.3.custom_id: String should have at least 1 character');
  });

  it('names custom_id before params, and params before an extra key', () => {
    expect(answer(requests('{"x":1,"params":[],"custom_id":"é"}'))).toBe(`requests.0.custom_id: ${PATTERN}`);
    expect(answer(requests('{"x":1,"params":[],"custom_id":"e"}'))).toBe(
      'requests.0.params: Input should be an object',
    );
  });

  it('keeps the words of the first faulty item when later ones are faulty too', () => {
    const late = '{"custom_id":"","params":{},"later":1}';
    expect(answer(requests('{"first":1,"custom_id":"a","params":{}}', late))).toBe(
      'requests.0.first: Extra inputs are not permitted',
    );
    expect(answer(requests(item('é'), late))).toBe(`requests.0.custom_id: ${PATTERN}`);
  });

  it('names a faulty item before a duplicate, and a duplicate before an extra key of the body', () => {
    const duplicate = "requests: custom_id's must be unique within a batch. Duplicate custom_id found: a";
    expect(answer(`{"x":1,"requests":[${item('a')},${item('a')},7]}`)).toBe('requests.2: Input should be an object');
    expect(answer(`{"x":1,"requests":[${item('a')},${item('a')},${item('bb')}]}`)).toBe(duplicate);
    expect(answer(`{"x":1,"requests":[${item('a')},${item('b')}]}`)).toBe('x: Extra inputs are not permitted');
  });

  it('names JSON that breaks later before anything else', () => {
    expect(answer('{"requests":[7]')).toContain(NOT_JSON);
    expect(answer('{"x":1,"requests":[],}')).toContain(NOT_JSON);
  });
});

describe('keys', () => {
  it('count when they are spelled with escapes', () => {
    expect(answer('{"\\u0072equests":[{"cust\\u006fm_id":"\\u0061","\\u0070\\u0061rams":{}}]}')).toBe('accepted');
    expect(answer(requests(item('a'), '{"custom_id":"\\u0061","params":{}}'))).toContain(
      'Duplicate custom_id found: a',
    );
  });

  it('given twice count the last time', () => {
    expect(answer(requests('{"custom_id":"é","custom_id":"a","params":1,"params":{}}'))).toBe('accepted');
    expect(answer(requests('{"custom_id":"a","params":{},"params":1}'))).toContain('requests.0.params');
    expect(answer(requests('{"custom_id":"a","custom_id":1,"params":{}}'))).toContain('valid string');
  });

  it('of which `requests` is given twice: the last list counts, and the first leaves nothing behind', () => {
    const twice = (first: string, last: string): string => answer(`{"requests":${first},"requests":${last}}`);
    expect(twice(`[${item('a')},${item('a')},7]`, `[${item('a')}]`)).toBe('accepted');
    expect(twice(`[${item('a')}]`, '[]')).toContain('not 0');
    expect(twice(`[${item('a')}]`, 'null')).toBe('requests: Input should be a valid array');
    expect(twice(`[${item('a')},${item('b')}]`, `[${item('c')},${item('é')}]`)).toContain('requests.1.custom_id');
  });

  it('that are not known are named as they are meant, however long', () => {
    const named = (key: string): string => answer(requests(`{"custom_id":"a","params":{},"${key}":1}`));
    expect(named('caf\\u00e9')).toBe('requests.0.café: Extra inputs are not permitted');
    const long = named('é'.repeat(2_000));
    expect(long).toMatch(/^requests\.0\.é{512}: Extra inputs are not permitted$/);
    // 1,024 bytes end inside an escape, then inside a character.
    expect(named(`ab${'\\u00e9'.repeat(400)}`)).toMatch(/^requests\.0\.abé{170}: Extra/);
    expect(named(`a${'é'.repeat(2_000)}`)).toMatch(/^requests\.0\.aé{511}: Extra/);
    expect(named(`${'\\\\'.repeat(511)}x${'\\\\'.repeat(9)}`)).toMatch(/^requests\.0\.\\{511}x: Extra/);
  });
});
