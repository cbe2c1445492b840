import { ANSWER_FORMATS } from '../answers/answer-format.ts';
import { INPUT_FORMATS } from '../input/input-format.ts';

/**
 * The words that the value of an option may be, by its flag, for options that read them themselves: their faults are told
 * together, which a parser that stops at the first does not do.
 */
export const VALUE_WORDS: Readonly<Record<string, readonly string[]>> = {
  '--input-format': INPUT_FORMATS,
  '--format': ANSWER_FORMATS,
  '--order': ['arrival', 'input'],
  '--waves': ['auto', 'off'],
  '--markers': ['auto', 'respect', 'off'],
  '--retry': ['errored', 'rate_limited', 'overloaded', 'api_error', 'timed_out', 'expired', 'canceled', 'none'],
  '--types': ['errored', 'expired', 'canceled'],
  '--clock': ['real', 'virtual'],
  '--profile': ['real', 'instant'],
  '--cache-visibility': ['first_byte', 'completion', 'allocation'],
  '--cache-refresh': ['path', 'exact'],
  '--batch-cache': ['separate', 'shared'],
  '--intra-batch': ['isolated', 'visible'],
};
