import { describe, expect, it } from 'vitest';
import { errorCode, upstreamError } from './upstream-error.ts';

const message = (status: number, body: unknown): string => upstreamError(status, body).message;
const type = (status: number, body: unknown): string => upstreamError(status, body).type;

describe('forms', () => {
  it("A14 keeps the API's own envelope word for word", () => {
    const body = {
      type: 'error',
      error: { type: 'not_found_error', message: 'model: no-such', details: { error_visibility: 'user_facing' } },
      request_id: 'req_1',
    };
    expect(upstreamError(404, body)).toEqual({
      type: 'not_found_error',
      message: 'model: no-such',
      details: { error_visibility: 'user_facing' },
    });
  });

  it.each([
    ["OpenAI's", { error: { message: 'too long', type: 'BadRequestError', code: 400 } }, 'too long'],
    ['a bare message', { object: 'error', message: 'too long' }, 'too long'],
    ['a bare error', { error: 'too long' }, 'too long'],
    ['a detail', { detail: 'too long' }, 'too long'],
    ['a list of one', [{ error: { message: 'too long' } }], 'too long'],
    ['plain text', ' too long\n', 'too long'],
    ['a JSON string', 'too long', 'too long'],
  ])('A14 reads %s form', (_, body, expected) => {
    expect(message(400, body)).toBe(expected);
  });

  it("A14 reads FastAPI's list of fields as the API would put it", () => {
    const detail = [
      { loc: ['body', 'max_tokens'], msg: 'Field required', type: 'missing' },
      { loc: ['body', 'messages', 0, 'role'], msg: 'Input should be a string' },
      { msg: 'bad' },
    ];
    expect(message(422, { detail })).toBe('max_tokens: Field required; messages.0.role: Input should be a string; bad');
  });

  it.each([
    null,
    undefined,
    '',
    '  ',
    '<html><h1>Bad</h1></html>',
    {},
    [],
    7,
    { error: {} },
    { message: 7 },
    { detail: [] },
  ])('A14 says so when there is no reason: %j', (body) => {
    expect(message(418, body)).toBe('The upstream answered 418 and gave no reason.');
  });
});

describe('bounds', () => {
  it('A14 cuts plain text at 500 characters, and never through a surrogate pair', () => {
    expect(message(400, 'x'.repeat(9000))).toHaveLength(500);
    expect(message(400, `${'x'.repeat(499)}😀`)).toBe('x'.repeat(499));
    expect(message(400, `${'x'.repeat(498)}😀 and more`)).toBe(`${'x'.repeat(498)}😀`);
  });

  it('A14 bounds a JSON message too', () => {
    expect(message(400, { message: 'x'.repeat(1_000_000) })).toHaveLength(8000);
  });
});

describe('types', () => {
  it.each([
    [400, 'invalid_request_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [413, 'invalid_request_error'],
    [418, 'invalid_request_error'],
    [422, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
  ])('A13 %i without a known type is %s', (status, expected) => {
    expect(type(status, { error: { type: 'SomethingElse', message: 'm' } })).toBe(expected);
  });

  it('A13 types that a result may not hold become invalid_request_error', () => {
    expect(type(413, { error: { type: 'request_too_large', message: 'm' } })).toBe('invalid_request_error');
    expect(type(409, { error: { type: 'conflict_error', message: 'm' } })).toBe('invalid_request_error');
  });

  it('A13 the outer type `error` is never taken for the error itself', () => {
    expect(type(400, { type: 'error', message: 'm' })).toBe('invalid_request_error');
  });

  it("A13 a property every object has is not a type of the API's", () => {
    expect(type(500, { error: { type: 'toString', message: 'm' } })).toBe('api_error');
  });

  it('A3 finds the code in details, or where OpenAI puts it', () => {
    expect(errorCode({ error: { details: { error_code: 'a' }, code: 'b' } })).toBe('a');
    expect(errorCode({ error: { code: 'b' } })).toBe('b');
    expect(errorCode({ error: { code: 400 } })).toBeNull();
    expect(errorCode('text')).toBeNull();
  });
});
