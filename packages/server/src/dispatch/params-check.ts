import { batchRefusal, type ParamsError } from '@batchwright/core';
import { LIMITS, wireError, type ApiVersion } from '@batchwright/protocol';
import { outline, text, TRAIT_DOCUMENTS, TRAIT_PLAIN, type Outline } from '@batchwright/scan';

/**
 * Whether a request must be refused before any upstream sees it, and with which words. The rules are core's, on parsed
 * params; parsing every prompt would cost more than everything else dispatch does, so params that plainly break none of
 * them pass on their outline alone: top-level keys that no rule speaks of, and no bytes that a deeper rule looks for. What
 * intake has seen of that on its own pass is in `traits`, and then the params are not even looked at.
 */
export function refusalOf(params: Uint8Array, version: ApiVersion, traits: number): ParamsError | null {
  if (isKnownPlain(traits, version)) return null;
  const bytes = Buffer.from(params.buffer, params.byteOffset, params.byteLength);
  const keys = outline(params);
  if (keys !== null && isPlain(keys, bytes) && !DEEP_MARKS[version].some((mark) => bytes.includes(mark))) return null;
  return batchRefusal(JSON.parse(bytes.toString('utf8')), version);
}

/** For params longer than a Messages body may be, which the Messages API would answer with 413. */
export const PARAMS_TOO_LARGE: ParamsError = {
  // A result has no place for the type `request_too_large`.
  type: 'invalid_request_error',
  message: wireError({ type: 'body_too_large', limitBytes: LIMITS.messageBodyBytes }).message,
};

/** Keys that no batch rule refuses, whatever they hold. */
const HARMLESS_KEYS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'tools',
  'tool_choice',
  'metadata',
  'stop_sequences',
  'thinking',
  'output_config',
  'service_tier',
  'inference_geo',
]);

/**
 * What a deeper rule would look for: cache markers, whose number and order have rules, and in version 2026-10-21 also
 * documents and citations. An escape could spell any of these otherwise; `\\u` alone sends the params to the full check.
 * Each mark begins with a byte that is rare in prose, which makes the search several times faster.
 */
const ALWAYS = ['_control', '\\u'];
const DEEP_MARKS: Readonly<Record<ApiVersion, readonly Buffer[]>> = {
  '2023-01-01': marks(ALWAYS),
  '2023-06-01': marks(ALWAYS),
  '2026-10-21': marks([...ALWAYS, '"citations"', '"document"']),
};

function isKnownPlain(traits: number, version: ApiVersion): boolean {
  if ((traits & TRAIT_PLAIN) === 0) return false;
  return version !== '2026-10-21' || (traits & TRAIT_DOCUMENTS) === 0;
}

function marks(texts: readonly string[]): readonly Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

function isPlain(keys: Outline, bytes: Uint8Array): boolean {
  if (!keys.keys().every((key) => HARMLESS_KEYS.has(key))) return false;
  if (keys.find('model') === null || keys.find('messages') === null) return false;
  const maxTokens = keys.find('max_tokens');
  return maxTokens?.kind === 'number' && Number(text(bytes, maxTokens)) >= 1;
}
