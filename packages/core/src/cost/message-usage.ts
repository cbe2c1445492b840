import type { RequestUse } from './ledger.ts';

/** More tokens of one kind than any model takes or gives: who reports more than this makes it up. */
const MOST_TOKENS = 10_000_000;

/** The use of an answer that does not tell any. */
export function noUse(model: string): RequestUse {
  return {
    model,
    inferenceGeo: null,
    inputTokens: 0,
    write5mTokens: 0,
    write1hTokens: 0,
    readTokens: 0,
    outputTokens: 0,
  };
}

/**
 * What a message says it used: its parsed `model` and `usage`. What is missing, or no number of tokens, is 0. Writes that
 * are not told apart were for five minutes, which is what all were before there was a choice.
 */
export function usageOf(model: unknown, usage: unknown): RequestUse {
  const name = typeof model === 'string' ? model : '';
  if (typeof usage !== 'object' || usage === null) return noUse(name);
  const fields = usage as Fields;
  const split = fields['cache_creation'];
  const apart = typeof split === 'object' && split !== null ? (split as Fields) : NO_FIELDS;
  const told = tokens(fields, 'cache_creation_input_tokens');
  const long = tokens(apart, 'ephemeral_1h_input_tokens');
  const written = told === 0 ? long + tokens(apart, 'ephemeral_5m_input_tokens') : told;
  const write1hTokens = Math.min(long, written);
  const geo = fields['inference_geo'];
  return {
    model: name,
    inferenceGeo: typeof geo === 'string' ? geo : null,
    inputTokens: tokens(fields, 'input_tokens'),
    write5mTokens: written - write1hTokens,
    write1hTokens,
    readTokens: tokens(fields, 'cache_read_input_tokens'),
    outputTokens: tokens(fields, 'output_tokens'),
  };
}

type Fields = Readonly<Record<string, unknown>>;
const NO_FIELDS: Fields = {};

function tokens(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' && value > 0 && value <= MOST_TOKENS ? Math.trunc(value) : 0;
}
