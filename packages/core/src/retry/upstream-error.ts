import { isErrorType, type ErrorDetails, type ErrorType } from '@batchwright/protocol';
import type { UpstreamError } from './upstream-answer.ts';

/**
 * Puts the error of any upstream into the API's words. Read are the API's own envelope, OpenAI's `{error: {…}}`,
 * `{error: "…"}`, `{message}`, FastAPI's `{detail}` (text or a list of fields), a list of one of these, and plain text.
 * Invariant: the type is one that a result may hold, and the message is never empty nor without bound.
 */
export function upstreamError(status: number, body: unknown): UpstreamError {
  const found = errorObject(body);
  const type = resultErrorType(found?.['type'], status);
  const details = errorDetails(found?.['details']);
  const message = messageOf(status, body, found);
  return details === null ? { type, message } : { type, message, details };
}

/** What a machine reads in an error: `details.error_code`, or the `code` of OpenAI's form. */
export function errorCode(body: unknown): string | null {
  const found = errorObject(body);
  return textOf(recordOf(found?.['details'])?.['error_code']) ?? textOf(found?.['code']);
}

/** The id of the call, where the body and not the header carries it. */
export function bodyRequestId(body: unknown): string | null {
  return textOf(recordOf(body)?.['request_id']);
}

type JsonRecord = Readonly<Record<string, unknown>>;

const JSON_MESSAGE_LIMIT = 8000;
const TEXT_MESSAGE_LIMIT = 500;

/** Types that the schema of a results line has no place for, and what stands for them. */
const RESULT_ERROR_TYPES: Readonly<Record<ErrorType, ErrorType>> = {
  invalid_request_error: 'invalid_request_error',
  authentication_error: 'authentication_error',
  billing_error: 'billing_error',
  permission_error: 'permission_error',
  not_found_error: 'not_found_error',
  conflict_error: 'invalid_request_error',
  request_too_large: 'invalid_request_error',
  rate_limit_error: 'rate_limit_error',
  api_error: 'api_error',
  timeout_error: 'timeout_error',
  overloaded_error: 'overloaded_error',
};

const TYPES_BY_STATUS: Readonly<Record<number, ErrorType>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** A type of the API's is believed; any other upstream's own names are not, and its status decides. */
function resultErrorType(type: unknown, status: number): ErrorType {
  if (isErrorType(type)) return RESULT_ERROR_TYPES[type];
  return TYPES_BY_STATUS[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

function errorDetails(value: unknown): ErrorDetails | null {
  const details = recordOf(value);
  const code = textOf(details?.['error_code']);
  const isUserFacing = details?.['error_visibility'] === 'user_facing';
  if (code === null && !isUserFacing) return null;
  return {
    ...(code === null ? {} : { error_code: code }),
    ...(isUserFacing ? { error_visibility: 'user_facing' as const } : {}),
  };
}

/** The record that carries type and message: the inner one where there is one. */
function errorObject(body: unknown): JsonRecord | null {
  const outer = recordOf(Array.isArray(body) ? body[0] : body);
  return recordOf(outer?.['error']) ?? outer;
}

function messageOf(status: number, body: unknown, found: JsonRecord | null): string {
  const plain = typeof body === 'string' ? textMessage(body) : null;
  const said =
    plain ??
    textOf(found?.['message']) ??
    textOf(found?.['error']) ??
    textOf(found?.['detail']) ??
    fieldMessages(found?.['detail']);
  return said === null ? `The upstream answered ${status} and gave no reason.` : cut(said, JSON_MESSAGE_LIMIT);
}

function textMessage(body: string): string | null {
  const text = body.trim();
  // A proxy's error page says nothing that a reader of results could use.
  if (text === '' || text.startsWith('<')) return null;
  return cut(text, TEXT_MESSAGE_LIMIT);
}

/** `[{loc: ['body', 'max_tokens'], msg: 'Field required'}]` as the API would say it: `max_tokens: Field required`. */
function fieldMessages(detail: unknown): string | null {
  if (!Array.isArray(detail)) return null;
  const messages = detail.slice(0, 20).flatMap((entry: unknown) => {
    const text = textOf(recordOf(entry)?.['msg']);
    if (text === null) return [];
    const place = recordOf(entry)?.['loc'];
    const path = Array.isArray(place) ? place.filter((part) => part !== 'body').join('.') : '';
    return [path === '' ? text : `${path}: ${text}`];
  });
  return messages.length === 0 ? null : messages.join('; ');
}

/** Cuts without leaving half of a surrogate pair behind. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}

function recordOf(value: unknown): JsonRecord | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
