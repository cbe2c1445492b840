/** The error types of the API with the HTTP status each is sent under. The one table of its kind. */
export const ERROR_STATUS = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
} as const;

export type ErrorType = keyof typeof ERROR_STATUS;

export interface ErrorDetails {
  readonly error_code?: string;
  readonly error_visibility?: 'user_facing';
}

/** The error envelope, on every failed response and inside every errored result. */
export interface ErrorEnvelope {
  readonly type: 'error';
  readonly error: { readonly details?: ErrorDetails; readonly type: ErrorType; readonly message: string };
  readonly request_id: string | null;
}

/** An error on its way to the wire: what the envelope says, and how HTTP carries it. */
export interface WireError {
  readonly type: ErrorType;
  readonly message: string;
  readonly details?: ErrorDetails;
  /** Set when the status is not the type's own, as for 405 and 408. */
  readonly status?: number;
  /** Seconds; becomes the `retry-after` header. */
  readonly retryAfterSeconds?: number;
}

export function isErrorType(value: unknown): value is ErrorType {
  return typeof value === 'string' && Object.hasOwn(ERROR_STATUS, value);
}

export function errorStatus(error: WireError): number {
  return error.status ?? ERROR_STATUS[error.type];
}

export function errorEnvelope(error: WireError, requestId: string | null): ErrorEnvelope {
  const inner = error.details === undefined ? {} : { details: error.details };
  return { type: 'error', error: { ...inner, type: error.type, message: error.message }, request_id: requestId };
}
