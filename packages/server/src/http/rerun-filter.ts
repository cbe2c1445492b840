import { RESULT_TYPES, type Problem, type ResultType } from '@batchwright/protocol';
import { parseJsonObject } from './json-object.ts';
import type { RerunFilter } from './rerun-selection.ts';

/** What a call wants to run again. */
export interface AskedRerun {
  readonly type: 'asked';
  readonly filter: RerunFilter;
  /** What the requests would have to have done, in words. */
  readonly words: string;
}

/** What succeeded is not run again: whoever wants it anew has a reason that no result tells, and submits it. */
const RERUNNABLE: readonly ResultType[] = RESULT_TYPES.filter((type) => type !== 'succeeded');
const MOST_ERROR_TYPES = 100;

/** Reads `types` and `error_types`. Without either, and without a body, everything that failed is meant. */
export function readRerunFilter(
  body: Uint8Array,
): AskedRerun | { readonly type: 'refused'; readonly problem: Problem } {
  const value = body.length === 0 ? {} : parseJsonObject(Buffer.from(body).toString('utf8'));
  if (value === null) return wrong('body', 'Input should be a JSON object, such as {"types": ["errored"]}, or nothing');
  const unknown = Object.keys(value).find((name) => name !== 'types' && name !== 'error_types');
  if (unknown !== undefined) return wrong(unknown, 'Extra inputs are not permitted');
  const types = value['types'] ?? RERUNNABLE;
  if (!isListOf(types, isRerunnable)) return wrong('types', `Input should be a list of one or more of ${quoted()}`);
  const errorTypes = value['error_types'] ?? null;
  if (errorTypes === null) return asked(types, null);
  if (!isListOf(errorTypes, isName)) {
    return wrong('error_types', 'Input should be a list of error types, such as ["rate_limit_error"]');
  }
  if (!types.includes('errored')) return wrong('error_types', `Only what errored has one; add 'errored' to \`types\``);
  return asked(types, errorTypes);
}

function asked(types: readonly ResultType[], errorTypes: readonly string[] | null): AskedRerun {
  const filter = { types: new Set(types), errorTypes: errorTypes === null ? null : new Set(errorTypes) };
  const words = [...filter.types].map((type) => wordsFor(type, errorTypes)).join(' or ');
  return { type: 'asked', filter, words };
}

function wordsFor(type: ResultType, errorTypes: readonly string[] | null): string {
  if (type === 'canceled') return 'was canceled';
  return type === 'errored' && errorTypes !== null ? `errored with ${errorTypes.join(' or ')}` : type;
}

function isListOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MOST_ERROR_TYPES && value.every(isItem);
}

const isRerunnable = (item: unknown): item is ResultType => RERUNNABLE.includes(item as ResultType);
const isName = (item: unknown): item is string => typeof item === 'string' && /^\w{1,64}$/.test(item);
const quoted = (): string => RERUNNABLE.map((type) => `'${type}'`).join(', ');

function wrong(path: string, reason: string): { readonly type: 'refused'; readonly problem: Problem } {
  return { type: 'refused', problem: { type: 'field_wrong', path, reason } };
}
