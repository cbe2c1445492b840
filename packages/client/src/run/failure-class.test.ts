import type { BatchResult } from '@batchwright/protocol';
import { expect, it } from 'vitest';
import { failureClassOf } from './failure-class.ts';
import { errored, succeeded } from './fake-server.fixture.ts';

it.each<[BatchResult, ReturnType<typeof failureClassOf>]>([
  [succeeded('x'), null],
  [errored('invalid_request_error'), null],
  [errored('authentication_error'), null],
  [errored('permission_error'), null],
  [errored('billing_error'), null],
  [errored('not_found_error'), null],
  [errored('request_too_large'), null],
  [errored('rate_limit_error'), 'rate_limited'],
  [errored('overloaded_error'), 'overloaded'],
  [errored('timeout_error'), 'timed_out'],
  [errored('api_error'), 'api_error'],
  [errored('brand_new_error'), 'api_error'],
  [{ type: 'expired' }, 'expired'],
  [{ type: 'canceled' }, 'canceled'],
])('%j is %j', (result, expected) => {
  expect(failureClassOf(result)).toBe(expected);
});
