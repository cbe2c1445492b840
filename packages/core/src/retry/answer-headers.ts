import { BATCH_LIFETIME_MS } from '@batchwright/protocol';

/** Headers of an upstream's answer, names in lower case, as Node gives them. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One header's value; of a repeated one, the first. */
export function headerValue(headers: AnswerHeaders, name: string): string | null {
  const value = headers[name];
  const first = typeof value === 'string' ? value : value?.[0];
  return first === undefined ? null : first.trim();
}

/** The upstream's own id of the call, under either of the names in use. */
export function upstreamRequestId(headers: AnswerHeaders): string | null {
  return headerValue(headers, 'request-id') ?? headerValue(headers, 'x-request-id');
}

/**
 * The wait an upstream asks for. `retry-after-ms` wins, then `retry-after` in seconds (decimals included) or as an
 * HTTP date. Nothing lives longer than a batch, so neither does a wait; what cannot be read is no wait.
 */
export function retryAfterMs(headers: AnswerHeaders, nowMs: number): number | null {
  const asked =
    decimal(headerValue(headers, 'retry-after-ms'), 1) ??
    decimal(headerValue(headers, 'retry-after'), 1000) ??
    untilDate(headerValue(headers, 'retry-after'), nowMs);
  return asked === null ? null : Math.min(Math.ceil(asked), BATCH_LIFETIME_MS);
}

/** `x-should-retry`, which overrides the status in both directions; null when it is absent or says neither. */
export function shouldRetry(headers: AnswerHeaders): boolean | null {
  const value = headerValue(headers, 'x-should-retry');
  return value === 'true' ? true : value === 'false' ? false : null;
}

function decimal(text: string | null, scale: number): number | null {
  return text !== null && /^\d{1,15}(\.\d{0,15})?$/.test(text) ? Number(text) * scale : null;
}

/** The one date form HTTP still allows to be sent; looser ones would be read in the machine's own time zone. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function untilDate(text: string | null, nowMs: number): number | null {
  if (text === null || !HTTP_DATE.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
