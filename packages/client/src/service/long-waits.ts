import type { Middleware } from '@anthropic-ai/sdk';
import { waitOf } from './call-failure.ts';

/** A person waits this long without being told why. */
const LONGEST_SILENT_WAIT_MS = 10_000;

/**
 * Has the SDK answer at once where it would sit out a long wait in silence: it obeys any `retry-after`, an hour's too, and
 * whoever made the call can neither say what is waited for nor do something else meanwhile.
 */
export const tellLongWaits: Middleware = async (request, next) => {
  const response = await next(request);
  if (response.ok || (waitOf(response.headers) ?? 0) <= LONGEST_SILENT_WAIT_MS) return response;
  const headers = new Headers(response.headers);
  headers.set('x-should-retry', 'false');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
};
