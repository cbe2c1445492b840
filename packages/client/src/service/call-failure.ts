import { APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { retryAfterMs } from '@batchwright/core';
import { ServiceError } from './batch-service.ts';
import { troubleOf } from './connection-trouble.ts';

/** What an error message needs to know of a call. */
export interface CallContext {
  /** As the beginning of a sentence. */
  readonly doing: string;
  readonly path: string;
  readonly baseUrl: URL;
  /** What named the base URL: a variable, or an option of a command. */
  readonly addressName: string;
  /** The variable that the SDK reads the credential from; null: it has it from elsewhere. */
  readonly credential: 'ANTHROPIC_API_KEY' | 'ANTHROPIC_AUTH_TOKEN' | null;
  /** What no message may hold; trimmed, and none of them empty. */
  readonly secrets: readonly string[];
}

/** What is known of a call that failed. */
export type Certainty =
  /** Nothing was sent, and trying again is in vain until something is changed. */
  | 'impossible'
  | 'unsent'
  /** There was an answer, with a status of its own. */
  | 'answered'
  /** No answer, or one that says nothing. */
  | 'unknown';

interface FailureFacts {
  readonly certainty: Certainty;
  readonly status?: number | null;
  readonly type?: string | null;
  readonly code?: string | null;
  readonly isEnvelope?: boolean;
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/** What people are told. */
interface Told {
  readonly message: string;
  readonly remedy: string | null;
}

/** A call that failed, with what only the service needs to know of it. */
export class CallFailure extends ServiceError {
  readonly certainty: Certainty;
  /** `error.details.error_code`. */
  readonly code: string | null;
  /** Whether the answer was in the API's own form, and so was not some proxy's. */
  readonly isEnvelope: boolean;

  constructor({ message, remedy }: Told, facts: FailureFacts) {
    const { status = null, type = null, retryAfterMs = null } = facts;
    super(
      message,
      { status, type, retryAfterMs, remedy },
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.certainty = facts.certainty;
    this.code = facts.code ?? null;
    this.isEnvelope = facts.isEnvelope ?? false;
  }

  /** Of whatever the SDK threw. */
  static of(error: unknown, context: CallContext): CallFailure {
    if (error instanceof APIConnectionError) return connectionFailure(error, context);
    if (isAnswered(error)) return answeredFailure(error, context);
    return earlyFailure(error, context);
  }

  /** Of an answer with a good status that is not what the API answers. */
  static unreadable({ status, headers }: Response, context: CallContext): CallFailure {
    const kind = headers.get('content-type') ?? 'no content type';
    const told = `${status} with ${kind}, which is no answer of the Message Batches API${requestOf(headers)}`;
    const remedy = `Check that ANTHROPIC_BASE_URL names a server of this API; it is ${addressOf(context.baseUrl)}.`;
    return new CallFailure(sentence(context, told, remedy), { certainty: 'unknown', status });
  }

  static brokenOff(context: CallContext): CallFailure {
    return new CallFailure(sentence(context, 'the stream ended before the batch did', ''), { certainty: 'unknown' });
  }
}

/** What names a base URL where nothing else does. */
export const BASE_URL_VARIABLE = 'ANTHROPIC_BASE_URL';

/** The collection of all batches, below the base URL. */
export const BATCHES_PATH = '/v1/messages/batches';

/** A URL as people may see it, without what may be secret. */
export function addressOf(url: URL): string {
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** An error of the SDK that came with an answer. */
type AnsweredError = APIError<number, Headers, object | undefined>;

/** Whether an error of the SDK says what the server answered. */
export function isAnswered(error: unknown): error is AnsweredError {
  return error instanceof APIError && typeof error.status === 'number' && error.headers instanceof Headers;
}

function answeredFailure(error: AnsweredError, context: CallContext): CallFailure {
  const { status, type, errorCode, apiMessage, headers } = error;
  const said = (apiMessage ?? plainMessage(error)).trim().replace(/\.$/, '');
  const told = `${status}${type === null ? '' : ` ${type}`}: ${said}${requestOf(headers)}`;
  return new CallFailure(sentence(context, told, remedyOf(error, context)), {
    certainty: 'answered',
    status,
    type,
    code: errorCode,
    isEnvelope: type !== null,
    retryAfterMs: waitOf(headers),
  });
}

/** When to come back, as the server said; null: it did not. */
export function waitOf(headers: Headers): number | null {
  const known = ['retry-after', 'retry-after-ms'] as const;
  return retryAfterMs(Object.fromEntries(known.map((name) => [name, headers.get(name) ?? undefined])), Date.now());
}

function connectionFailure(error: APIConnectionError, context: CallContext): CallFailure {
  const trouble = troubleOf(error, addressOf(context.baseUrl));
  const certainty = trouble.isLasting ? 'impossible' : trouble.isUnsent ? 'unsent' : 'unknown';
  return new CallFailure(sentence(context, trouble.reason, trouble.remedy), {
    certainty,
    ...causeWithoutSecrets(error, context),
  });
}

/** What the SDK refuses before it sends anything: a credential it has not, a header it cannot make. */
function earlyFailure(error: unknown, context: CallContext): CallFailure {
  const message = error instanceof Error ? error.message : String(error);
  const isUnauthenticated = message.startsWith('Could not resolve authentication method');
  const told = isUnauthenticated ? 'there is no key' : message;
  const remedy = isUnauthenticated
    ? 'Set ANTHROPIC_API_KEY to a key of the server.'
    : /header|ByteString/i.test(message)
      ? `The key cannot be sent as it is: check ${context.credential ?? 'it'} for stray characters.`
      : '';
  return new CallFailure(sentence(context, told, remedy), {
    certainty: 'impossible',
    // The API says the same of a call without a key.
    ...(isUnauthenticated && { type: 'authentication_error' }),
    ...causeWithoutSecrets(error, context),
  });
}

/** What is no envelope is another server's: its text, if it is any that a person would read. */
function plainMessage({ message, status }: AnsweredError): string {
  const text = message.replace(String(status), '').trim();
  if (text === '' || text.startsWith('status code')) return 'no reason was given';
  return text.startsWith('<') ? 'a web page instead of a reason' : text;
}

function remedyOf(error: AnsweredError, context: CallContext): string {
  const { baseUrl, credential } = context;
  switch (error.status) {
    case 401:
      return credential === null ? 'Check the credentials.' : `Check the key in ${credential}.`;
    case 402:
      return 'Settle the account’s billing first.';
    case 403:
      return 'Use a key that may do this.';
    case 404:
    case 405:
    case 501:
      return isAboutOne(error, context) ? 'It may be deleted, or of another workspace.' : pathRemedy(baseUrl);
    case 413:
      return 'Make batches smaller: the API takes 256 MB, and a proxy in between may take less.';
    case 429:
      return isSpendCap(error) ? 'Raise the spend limit, or wait for the next month.' : '';
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return `It points to ${error.headers.get('location') ?? 'nowhere'}. Set ANTHROPIC_BASE_URL to where the API is.`;
    default:
      return '';
  }
}

/** A limit that no waiting of minutes lifts. */
export function isSpendCap({
  status,
  errorCode,
}: {
  readonly status?: unknown;
  readonly errorCode?: unknown;
}): boolean {
  return status === 429 && errorCode === 'enforced_spend_limit_reached';
}

/** Whether the API itself says that the batch that was named is not there; the list of them always is. */
function isAboutOne(error: AnsweredError, { path }: CallContext): boolean {
  return error.type === 'not_found_error' && path !== BATCHES_PATH;
}

function pathRemedy(baseUrl: URL): string {
  return /\/v1\/?$/.test(baseUrl.pathname)
    ? 'Leave /v1 off ANTHROPIC_BASE_URL: it is added to it.'
    : `The server at ${addressOf(baseUrl)} has no Message Batches API there: check ANTHROPIC_BASE_URL.`;
}

function requestOf(headers: Headers): string {
  const id = headers.get('request-id') ?? headers.get('x-request-id');
  return id === null ? '' : ` (${id})`;
}

const LONGEST_LINE = 600;
/** Credentials by their looks, for those the client had from elsewhere. */
const CREDENTIALS = [/\bBearer\s+[^\s"']+/g, /\bsk-[\w-]{8,}/g] as const;

function sentence(context: CallContext, told: string, help: string): Told {
  const what = onOneLine(withoutSecrets(told, context)).slice(0, LONGEST_LINE).replace(/\.$/, '');
  // Remedies are written for the variable; who named the server otherwise is told of that.
  const named = help.replaceAll(BASE_URL_VARIABLE, context.addressName);
  const remedy = help === '' ? null : onOneLine(withoutSecrets(named, context));
  return { message: `${context.doing} failed: ${what}.${remedy === null ? '' : ` ${remedy}`}`, remedy };
}

/** What a server says ends on somebody's terminal: its control characters would be commands there, its line breaks lines of ours. */
function onOneLine(text: string): string {
  const spaced = text.replaceAll(/\s+/g, ' ').trim();
  return spaced.replaceAll(/\p{Cc}|[\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '·');
}

function withoutSecrets(text: string, { secrets }: CallContext): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, '…');
  for (const credential of CREDENTIALS) shown = shown.replaceAll(credential, '…');
  return shown;
}

/** A cause is printed by whoever prints the error; one that holds a secret is left out. */
function causeWithoutSecrets(error: unknown, context: CallContext): { readonly cause?: unknown } {
  for (let next = error; next instanceof Error; next = next.cause) {
    const text = `${next.message}\n${next.stack ?? ''}`;
    if (withoutSecrets(text, context) !== text) return {};
  }
  return { cause: error };
}
