import type { CreateOutcome } from './batch-service.ts';
import { isSpendCap, type CallFailure } from './call-failure.ts';

/**
 * What a create that failed means. Whether a batch was made decides it: what was certainly not made may be sent again;
 * what may have been made must be looked for first, since it is being paid for. A body whose end was never handed out is
 * no batch, whatever became of the connection.
 */
export function failedCreate(error: CallFailure, isWhole: boolean): CreateOutcome {
  const type = typeOf(error);
  switch (type) {
    case 'refused':
      return { type, error };
    case 'unknown':
      return isWhole ? { type, error } : { type: 'not_now', error, retryAfterMs: error.retryAfterMs };
    case 'not_now':
      return { type, error, retryAfterMs: error.retryAfterMs };
    default:
      return type satisfies never;
  }
}

type FailedType = Exclude<CreateOutcome['type'], 'created'>;

function typeOf(error: CallFailure): FailedType {
  switch (error.certainty) {
    case 'impossible':
      return 'refused';
    case 'unsent':
      return 'not_now';
    case 'unknown':
      return 'unknown';
    case 'answered':
      return typeOfAnswer(error);
    default:
      return error.certainty satisfies never;
  }
}

/** By its status. A server that is at its end may have got further than it could say. */
function typeOfAnswer(error: CallFailure): FailedType {
  const status = error.status ?? 0;
  if (status === 429) return isSpendCap({ status, errorCode: error.code }) ? 'refused' : 'not_now';
  // Somebody else's change was under way: nothing was made of ours.
  if (status === 409 || status === 425 || status === 529) return 'not_now';
  // Proxies say 503 too when the server broke off after it had the call; the API's own means what it says.
  if (status === 503) return error.isEnvelope || error.retryAfterMs !== null ? 'not_now' : 'unknown';
  if (status === 408 || status === 499) return 'unknown';
  if (status === 501 || status === 505) return 'refused';
  return status >= 300 && status < 500 ? 'refused' : 'unknown';
}
