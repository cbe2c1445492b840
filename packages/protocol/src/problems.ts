import { CUSTOM_ID_PATTERN, LIMITS } from './limits.ts';
import type { WireError } from './errors.ts';

/**
 * Every mistake a caller can make, as a value. Rooms return these; `wireError` is the one place that knows the words
 * and the status the API uses for each.
 */
export type Problem =
  | { readonly type: 'no_credential' }
  | { readonly type: 'bad_credential' }
  | { readonly type: 'conflicting_credentials' }
  | { readonly type: 'wrong_workspace'; readonly workspaceId: string }
  | { readonly type: 'version_missing' }
  | { readonly type: 'version_unknown'; readonly version: string }
  | { readonly type: 'beta_unknown'; readonly token: string }
  | { readonly type: 'not_json'; readonly reason: string }
  | { readonly type: 'field_missing'; readonly path: string }
  | { readonly type: 'field_extra'; readonly path: string }
  | { readonly type: 'field_wrong'; readonly path: string; readonly reason: string }
  | { readonly type: 'requests_empty' }
  | { readonly type: 'requests_too_many'; readonly count: number }
  | { readonly type: 'custom_id_too_long'; readonly index: number }
  | { readonly type: 'custom_id_empty'; readonly index: number }
  | { readonly type: 'custom_id_pattern'; readonly index: number }
  | { readonly type: 'custom_id_duplicate'; readonly customId: string }
  | { readonly type: 'body_too_large'; readonly limitBytes: number }
  | { readonly type: 'body_too_large_after_decoding'; readonly limitBytes: number }
  | { readonly type: 'body_encoding_invalid'; readonly encoding: string }
  | { readonly type: 'body_encoding_unsupported'; readonly encoding: string }
  | { readonly type: 'body_timed_out' }
  | { readonly type: 'batch_not_found'; readonly batchId: string }
  | { readonly type: 'batch_still_running'; readonly batchId: string }
  | { readonly type: 'batch_not_ended'; readonly batchId: string }
  | { readonly type: 'batch_archived'; readonly batchId: string }
  | { readonly type: 'results_not_available'; readonly batchId: string }
  | { readonly type: 'request_not_found'; readonly batchId: string; readonly customId: string }
  | { readonly type: 'nothing_to_rerun'; readonly batchId: string; readonly asked: string }
  | { readonly type: 'too_many_watches'; readonly limit: number; readonly retryAfterSeconds: number }
  | { readonly type: 'limit_out_of_range'; readonly value: string }
  | { readonly type: 'both_cursors' }
  | { readonly type: 'cursor_unknown'; readonly name: 'after_id' | 'before_id'; readonly value: string }
  | { readonly type: 'model_not_found'; readonly model: string }
  | { readonly type: 'path_not_found'; readonly path: string }
  | { readonly type: 'method_not_allowed'; readonly method: string; readonly path: string }
  | { readonly type: 'option_invalid'; readonly name: string; readonly reason: string }
  | { readonly type: 'too_many_calls'; readonly limitPerMinute: number; readonly retryAfterSeconds: number }
  | {
      readonly type: 'queue_full';
      readonly limit: number;
      readonly queued: number;
      readonly submitted: number;
      readonly retryAfterSeconds: number;
    }
  | { readonly type: 'spend_limit_reached' }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_unwritable' }
  | { readonly type: 'descriptors_exhausted' }
  | { readonly type: 'shutting_down' }
  | { readonly type: 'overloaded' }
  | { readonly type: 'http_malformed'; readonly reason: string }
  | { readonly type: 'headers_too_large' }
  | { readonly type: 'headers_timed_out' }
  | { readonly type: 'expectation_unknown' }
  | { readonly type: 'upstream_unreachable'; readonly reason: string }
  /** `where` names a file and a place in it. */
  | { readonly type: 'stored_damaged'; readonly batchId: string; readonly where: string }
  | { readonly type: 'unexpected' };

type Words = { readonly [Type in Problem['type']]: (problem: Extract<Problem, { type: Type }>) => WireError };

const invalid = (message: string): WireError => ({ type: 'invalid_request_error', message });
const unauthenticated = (message: string): WireError => ({ type: 'authentication_error', message });
const missing = (message: string): WireError => ({ type: 'not_found_error', message });
const customId = (index: number, reason: string): WireError => invalid(`requests.${index}.custom_id: ${reason}`);

function limitText(value: string): string {
  if (!/^[+-]?\d+$/.test(value)) return 'limit: Input should be a valid integer, unable to parse string as an integer';
  return Number(value) < 1
    ? 'limit: Input should be greater than or equal to 1'
    : `limit: Input should be less than or equal to ${LIMITS.pageSizeMaximum}`;
}

const WORDS: Words = {
  no_credential: () => unauthenticated('x-api-key header is required'),
  bad_credential: () => unauthenticated('API key is invalid.'),
  conflicting_credentials: () =>
    unauthenticated('x-api-key and Authorization carry different keys. Send one of the two headers.'),
  wrong_workspace: (p) => ({
    type: 'permission_error',
    message: `anthropic-workspace-id: this API key does not belong to workspace ${p.workspaceId}.`,
  }),
  version_missing: () => invalid('anthropic-version: header is required'),
  version_unknown: (p) => invalid(`anthropic-version: \`${p.version}\` is not a valid version.`),
  beta_unknown: (p) =>
    invalid(
      `Unexpected value(s) \`${p.token}\` for the \`anthropic-beta\` header. Please consult our documentation or try again without the header.`,
    ),
  not_json: (p) => invalid(`The request body is not valid JSON: ${p.reason}`),
  field_missing: (p) => invalid(`${p.path}: Field required`),
  field_extra: (p) => invalid(`${p.path}: Extra inputs are not permitted`),
  field_wrong: (p) => invalid(p.path === '' ? p.reason : `${p.path}: ${p.reason}`),
  requests_empty: () => invalid('requests: List should have at least 1 item after validation, not 0'),
  requests_too_many: (p) =>
    invalid(`requests: List should have at most ${LIMITS.batchRequests} items after validation, not ${p.count}`),
  custom_id_too_long: (p) => customId(p.index, `String should have at most ${LIMITS.customIdCharacters} characters`),
  custom_id_empty: (p) => customId(p.index, 'String should have at least 1 character'),
  custom_id_pattern: (p) => customId(p.index, `String should match pattern '${CUSTOM_ID_PATTERN}'`),
  custom_id_duplicate: (p) =>
    invalid(`requests: custom_id's must be unique within a batch. Duplicate custom_id found: ${p.customId}`),
  body_too_large: (p) => ({
    type: 'request_too_large',
    message: `Request exceeds the maximum size of ${p.limitBytes} bytes.`,
  }),
  body_too_large_after_decoding: (p) => ({
    type: 'request_too_large',
    message: `Request exceeds the maximum size of ${p.limitBytes} bytes after decoding.`,
    details: { error_code: 'request_body_too_large_after_decoding' },
  }),
  body_encoding_invalid: (p) => ({
    ...invalid(`The request body is not valid ${p.encoding}.`),
    details: { error_code: 'request_body_encoding_invalid' },
  }),
  body_encoding_unsupported: (p) => ({
    ...invalid(`content-encoding: \`${p.encoding}\` is not supported. Use gzip, deflate, br or identity.`),
    details: { error_code: 'request_body_encoding_unsupported' },
  }),
  body_timed_out: () => ({ ...invalid('The request body stopped arriving before it was complete.'), status: 408 }),
  batch_not_found: (p) => missing(`Message Batch ${p.batchId} not found.`),
  batch_still_running: () => invalid('In progress batches cannot be deleted. Consider canceling the batch instead.'),
  batch_not_ended: (p) =>
    invalid(
      `Message Batch ${p.batchId} has not ended. Rerun it once its processing_status is \`ended\`, or cancel it.`,
    ),
  batch_archived: (p) =>
    missing(`Message Batch ${p.batchId} is archived: its requests and results are not kept any more.`),
  results_not_available: (p) => missing(`Message Batch ${p.batchId} has no available results.`),
  request_not_found: (p) => missing(`Message Batch ${p.batchId} has no request with the custom_id ${p.customId}.`),
  nothing_to_rerun: (p) =>
    invalid(`Message Batch ${p.batchId} has no request that ${p.asked}; there is nothing to rerun.`),
  too_many_watches: (p) => ({
    type: 'rate_limit_error',
    message: `${p.limit} calls wait for news of batches already, which is as many as this server takes. Poll meanwhile.`,
    retryAfterSeconds: p.retryAfterSeconds,
  }),
  limit_out_of_range: (p) => invalid(limitText(p.value)),
  both_cursors: () => invalid('after_id and before_id cannot be used together. Send one of the two.'),
  cursor_unknown: (p) => invalid(`${p.name}: \`${p.value}\` is not the id of an object in this workspace.`),
  model_not_found: (p) => missing(`model: ${p.model}`),
  path_not_found: (p) => missing(`Not found: ${p.path}`),
  method_not_allowed: (p) => ({ ...invalid(`Method ${p.method} is not allowed for ${p.path}.`), status: 405 }),
  option_invalid: (p) => invalid(`batchwright-options: ${p.name}: ${p.reason}`),
  too_many_calls: (p) => ({
    type: 'rate_limit_error',
    message: `This request would exceed your workspace's limit of ${p.limitPerMinute} requests per minute.`,
    retryAfterSeconds: p.retryAfterSeconds,
  }),
  queue_full: (p) => ({
    type: 'rate_limit_error',
    message: `This batch of ${p.submitted} requests would exceed your workspace's limit of ${p.limit} queued batch requests; ${p.queued} are queued now.`,
    retryAfterSeconds: p.retryAfterSeconds,
  }),
  spend_limit_reached: () => ({
    type: 'rate_limit_error',
    message: 'You have reached the enforced spend limit of your usage tier.',
    details: { error_code: 'enforced_spend_limit_reached' },
  }),
  storage_full: () => ({
    type: 'api_error',
    message: 'The server has no disk space left to store this batch. Nothing was stored; try again once space is free.',
  }),
  storage_unwritable: () => ({
    type: 'api_error',
    message:
      'The server cannot write to its disk. Try again; if it lasts, its log has the cause for whoever runs this server.',
  }),
  descriptors_exhausted: () => ({
    type: 'overloaded_error',
    message: 'The server has as many files and connections open as it may. Try again shortly.',
  }),
  shutting_down: () => ({ type: 'overloaded_error', message: 'The server is shutting down. Try again shortly.' }),
  overloaded: () => ({ type: 'overloaded_error', message: 'Overloaded' }),
  http_malformed: (p) => invalid(`The request is not valid HTTP: ${p.reason}`),
  headers_too_large: () => ({ ...invalid('The request headers are too large.'), status: 431 }),
  headers_timed_out: () => ({
    ...invalid('The request headers stopped arriving before they were complete.'),
    status: 408,
  }),
  expectation_unknown: () => ({ ...invalid('expect: only 100-continue is supported.'), status: 417 }),
  upstream_unreachable: (p) => ({
    type: 'api_error',
    status: 502,
    message: `The upstream could not answer: ${p.reason}`,
  }),
  stored_damaged: (p) => ({
    type: 'api_error',
    message:
      `What is stored of Message Batch ${p.batchId} is damaged (${p.where}), and is not served. ` +
      'Ask whoever runs this server to restore the batch from a backup, or submit its requests again.',
  }),
  unexpected: () => ({ type: 'api_error', message: 'Internal server error' }),
};

/** The error the API sends for a problem. */
export function wireError(problem: Problem): WireError {
  const words = WORDS[problem.type] as (problem: Problem) => WireError;
  return words(problem);
}
