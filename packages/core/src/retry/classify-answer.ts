import { retryAfterMs, shouldRetry, upstreamRequestId, type AnswerHeaders } from './answer-headers.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';
import { bodyRequestId, errorCode, upstreamError } from './upstream-error.ts';

/**
 * Turns what an upstream sent into one value, before anything is decided. SPEC.md A1–A15.
 *
 * The question behind every line: does this answer speak of the request (then it may become an `errored` result), of
 * the upstream (then the request waits), or of the account (then everything waits)? Where it is unclear the request
 * waits: a needless retry costs a call, a wrong `errored` costs the result.
 */
export interface AnswerParts {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** The error's body, parsed where it is JSON, else its text; null for none. Not looked at for 200. */
  readonly body: unknown;
  readonly nowMs: number;
}

/** The class of an answer. */
export function classifyAnswer(parts: AnswerParts): UpstreamAnswer {
  if (parts.status === 200) return SUCCEEDED;
  return accountTrouble(parts) ?? overridden(parts) ?? byStatus(parts);
}

const SUCCEEDED: UpstreamAnswer = Object.freeze({ type: 'succeeded' });
const TIMED_OUT: UpstreamAnswer = Object.freeze({ type: 'timed_out' });

/** Codes by which an upstream says that money, not the request, is the matter. */
const SPEND_CODES: ReadonlySet<string> = new Set(['enforced_spend_limit_reached', 'insufficient_quota']);
/** The same, told in words only. */
const SPEND_TEXTS = ['You have reached your specified API usage limits', 'Your credit balance is too low'] as const;
/** Codes by which an upstream says that the account may not call it now. */
const ACCOUNT_CODES: ReadonlySet<string> = new Set([
  'organization_on_hold',
  'cmek_key_disabled',
  'claude_code_key_creator_not_member',
]);

/** Answers that are about the account: every further call would get the same, so the upstream is paused. */
function accountTrouble(parts: AnswerParts): UpstreamAnswer | null {
  const { status, body } = parts;
  if (status === 401 || status === 402) return paused('credential', parts);
  if (status !== 400 && status !== 403 && status !== 429) return null;
  const code = errorCode(body);
  if (code !== null && SPEND_CODES.has(code)) return paused('spend_cap', parts);
  if (code !== null && ACCOUNT_CODES.has(code)) return paused('credential', parts);
  const { message } = upstreamError(status, body);
  return SPEND_TEXTS.some((text) => message.startsWith(text)) ? paused('spend_cap', parts) : null;
}

/**
 * `x-should-retry` is the upstream's own word on an error. `false` makes one final, but for answers that say only "not
 * now": a batch has a day, so those wait as they would without it, and a 429 that names no moment is a used-up quota.
 */
function overridden(parts: AnswerParts): UpstreamAnswer | null {
  const { status, headers, nowMs } = parts;
  if (status < 400) return null;
  const retry = shouldRetry(headers);
  if (retry === false && status === 429)
    return retryAfterMs(headers, nowMs) === null ? paused('spend_cap', parts) : null;
  if (retry === false && status !== 503 && status !== 529) return rejected(parts);
  if (retry === true && isFinal(parts)) return broken(parts);
  return null;
}

function byStatus(parts: AnswerParts): UpstreamAnswer {
  const { status, headers, nowMs } = parts;
  if (status === 429) return { type: 'rate_limited', retryAfterMs: retryAfterMs(headers, nowMs) };
  if (status === 503 || status === 529) return { type: 'overloaded', retryAfterMs: retryAfterMs(headers, nowMs) };
  if (status === 408 || status === 504) return TIMED_OUT;
  return isFinal(parts) ? rejected(parts) : broken(parts);
}

/** Whether an answer of this status, with no override, blames the request itself. */
function isFinal(parts: AnswerParts): boolean {
  const { status } = parts;
  if (status < 400 || status >= 500) return false;
  switch (status) {
    case 405:
    case 408:
    case 409:
    case 425:
    case 429:
      return false;
    case 404:
      return !isMissingRoute(parts.body);
    default:
      return true;
  }
}

/** What servers say of a path they do not have. A model that is missing is always named. */
const MISSING_ROUTE = /^(404[ :]*)?(not found|file not found|page not found)\.?$/i;

/** A wrong base URL also answers 404. It must not turn a whole batch into errors. */
function isMissingRoute(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true;
  return MISSING_ROUTE.test(upstreamError(404, body).message);
}

function rejected(parts: AnswerParts): UpstreamAnswer {
  return { type: 'rejected', error: upstreamError(parts.status, parts.body), requestId: requestId(parts) };
}

function broken(parts: AnswerParts): UpstreamAnswer {
  return { type: 'broken', reason: `answered ${parts.status}${told(parts)}` };
}

function paused(reason: 'spend_cap' | 'credential', parts: AnswerParts): UpstreamAnswer {
  return { type: 'paused', reason, message: `The upstream answered ${parts.status}${told(parts)}` };
}

/** The upstream's words and its id of the call, for whoever has to ask its operator. */
function told(parts: AnswerParts): string {
  const id = requestId(parts);
  const redirect = parts.status >= 300 && parts.status < 400 ? ' (redirects are not followed; check the base URL)' : '';
  const text = parts.status >= 400 ? `: ${upstreamError(parts.status, parts.body).message}` : redirect;
  return id === null ? text : `${text} (request ${id})`;
}

function requestId({ headers, body }: AnswerParts): string | null {
  return upstreamRequestId(headers) ?? bodyRequestId(body);
}
