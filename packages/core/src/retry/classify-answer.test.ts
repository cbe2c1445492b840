import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerHeaders } from './answer-headers.ts';
import { classifyAnswer } from './classify-answer.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

const NOW = Date.parse('2026-11-21T09:00:00.000Z');

function classify(status: number, body: unknown = null, headers: AnswerHeaders = {}): UpstreamAnswer {
  return classifyAnswer({ status, headers, body, nowMs: NOW });
}

const envelope = (type: string, message: string, details?: object) => ({
  type: 'error',
  error: { type, message, ...(details === undefined ? {} : { details }) },
  request_id: 'req_body',
});

describe('success', () => {
  it('A1 only 200 is a success', () => {
    expect(classify(200)).toEqual({ type: 'succeeded' });
    for (const status of [0, 100, 101, 201, 202, 204, 206, 299]) expect(classify(status).type).toBe('broken');
  });

  it('A1 x-should-retry on a 200 is not looked at', () => {
    expect(classify(200, null, { 'x-should-retry': 'true' }).type).toBe('succeeded');
  });
});

describe('the account', () => {
  it.each([401, 402])('A2 %i pauses for the credential, with what was said', (status) => {
    const answer = classify(status, envelope('authentication_error', 'API key is invalid.'));
    expect(answer).toEqual({
      type: 'paused',
      reason: 'credential',
      message: `The upstream answered ${status}: API key is invalid. (request req_body)`,
    });
  });

  it.each([
    ['the monthly cap', 429, envelope('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' })],
    [
      "the customer's own cap",
      400,
      envelope('invalid_request_error', 'You have reached your specified API usage limits. You will regain access …'),
    ],
    ['an empty purse', 400, envelope('invalid_request_error', 'Your credit balance is too low to access the API.')],
    ["OpenAI's form", 429, { error: { code: 'insufficient_quota', message: 'You exceeded your current quota' } }],
  ])('A3 %s pauses for the spend cap', (_, status, body) => {
    expect(classify(status, body)).toMatchObject({ type: 'paused', reason: 'spend_cap' });
  });

  it('A3 the same words elsewhere in a message do not pause', () => {
    const body = envelope('invalid_request_error', 'x: You have reached your specified API usage limits');
    expect(classify(400, body).type).toBe('rejected');
  });

  it('A4 an account on hold pauses for the credential', () => {
    const body = envelope('invalid_request_error', 'on hold', { error_code: 'organization_on_hold' });
    expect(classify(400, body)).toMatchObject({ type: 'paused', reason: 'credential' });
  });
});

describe('not now', () => {
  it('A5 429 is rate_limited, with the wait it asks for', () => {
    expect(classify(429, null, { 'retry-after': '3' })).toEqual({ type: 'rate_limited', retryAfterMs: 3000 });
    expect(classify(429)).toEqual({ type: 'rate_limited', retryAfterMs: null });
  });

  it.each([503, 529])('A6 %i is overloaded, with the wait it asks for', (status) => {
    expect(classify(status, null, { 'retry-after-ms': '3' })).toEqual({ type: 'overloaded', retryAfterMs: 3 });
    expect(classify(status)).toEqual({ type: 'overloaded', retryAfterMs: null });
  });

  it.each([408, 504])('A7 %i is timed_out', (status) => {
    expect(classify(status)).toEqual({ type: 'timed_out' });
  });

  it.each([409, 425, 500, 502, 507, 599])('A8 %i is broken, and says what was answered', (status) => {
    expect(classify(status, envelope('api_error', 'oh'), { 'request-id': 'req_9' })).toEqual({
      type: 'broken',
      reason: `answered ${status}: oh (request req_9)`,
    });
  });

  it.each([301, 302, 304, 307, 308])('A8 %i is broken and never followed', (status) => {
    expect(classify(status, null, { location: 'https://elsewhere.example' })).toEqual({
      type: 'broken',
      reason: `answered ${status} (redirects are not followed; check the base URL)`,
    });
  });
});

describe('a wrong base URL', () => {
  it.each([
    ['no body', null],
    ['text', '404 page not found'],
    ['a web page', '<html>nginx</html>'],
    ["FastAPI's words", { detail: 'Not Found' }],
    ["llama.cpp's words", { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } }],
    ["the API's words", { error: { message: 'Not found.', type: 'not_found_error' } }],
  ])('A9 404 with %s is broken', (_, body) => {
    expect(classify(404, body).type).toBe('broken');
  });

  it('A9 405 is broken', () => {
    expect(classify(405, { detail: 'Method Not Allowed' }).type).toBe('broken');
  });

  it('A9 404 that names what is missing is rejected', () => {
    expect(classify(404, envelope('not_found_error', 'model: no-such'))).toMatchObject({
      type: 'rejected',
      error: { type: 'not_found_error', message: 'model: no-such' },
    });
  });
});

describe('the request', () => {
  it.each([400, 403, 406, 410, 413, 414, 415, 418, 422, 451])('A10 %i is rejected', (status) => {
    expect(classify(status, { message: 'no' }, { 'request-id': 'req_1' })).toMatchObject({
      type: 'rejected',
      error: { message: 'no' },
      requestId: 'req_1',
    });
  });

  it('A15 the id is taken from the header, else from the body, else there is none', () => {
    const body = envelope('invalid_request_error', 'no');
    expect(classify(400, body, { 'request-id': 'req_header' })).toMatchObject({ requestId: 'req_header' });
    expect(classify(400, body)).toMatchObject({ requestId: 'req_body' });
    expect(classify(400, 'no')).toMatchObject({ requestId: null });
  });
});

describe('x-should-retry', () => {
  const yes = { 'x-should-retry': 'true' };
  const no = { 'x-should-retry': 'false' };

  it('A11 true makes a rejection broken', () => {
    expect(classify(400, { message: 'no' }, yes)).toEqual({ type: 'broken', reason: 'answered 400: no' });
  });

  it.each([408, 409, 425, 500, 502, 504])('A11 false makes %i a rejection', (status) => {
    expect(classify(status, { message: 'no' }, no)).toMatchObject({ type: 'rejected', error: { message: 'no' } });
  });

  it.each([503, 529])('A11 false does not make %i an error of the request', (status) => {
    expect(classify(status, null, no).type).toBe('overloaded');
  });

  it('A11 false on a 429 waits when a wait is named, and pauses when none is', () => {
    expect(classify(429, null, { ...no, 'retry-after': '3' })).toEqual({ type: 'rate_limited', retryAfterMs: 3000 });
    expect(classify(429, null, no)).toMatchObject({ type: 'paused', reason: 'spend_cap' });
  });

  it('A11 true keeps the class of what is retried anyway', () => {
    expect(classify(429, null, { ...yes, 'retry-after': '3' })).toEqual({ type: 'rate_limited', retryAfterMs: 3000 });
    expect(classify(401, null, yes).type).toBe('paused');
  });

  it('A11 has no say over redirects', () => {
    expect(classify(302, null, no).type).toBe('broken');
  });
});

describe('whatever is sent', () => {
  const ALLOWED = [
    'invalid_request_error',
    'authentication_error',
    'billing_error',
    'permission_error',
    'not_found_error',
    'rate_limit_error',
    'timeout_error',
    'api_error',
    'overloaded_error',
  ];
  const part = fc.oneof(
    fc.string(),
    fc.jsonValue(),
    fc.constantFrom(...ALLOWED, 'request_too_large', 'conflict_error'),
  );
  const body = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.record({
      type: part,
      error: fc.record({ type: part, message: part, details: part, code: part }),
      request_id: part,
    }),
    fc.record({ message: part, detail: part }, { requiredKeys: [] }),
  );
  const header = fc.constantFrom(undefined, 'true', 'false', '1', 'Sat, 21 Nov 2026 09:00:30 GMT', 'x');

  it('A13 an answer is a bounded error of a type that results may hold, or none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 700 }), body, header, header, (status, content, retry, wait) => {
        const answer = classify(status, content, { 'x-should-retry': retry, 'retry-after': wait });
        if (answer.type !== 'rejected') return;
        expect(ALLOWED).toContain(answer.error.type);
        expect(answer.error.message.length).toBeGreaterThan(0);
        expect(answer.error.message.length).toBeLessThanOrEqual(8000);
      }),
      { numRuns: 2000 },
    );
  });
});
