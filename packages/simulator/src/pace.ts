import type { Answer } from './answer/answer.ts';
import { Hasher } from './hash.ts';
import type { SimulatorProfile } from './options.ts';
import type { Prompt } from './prompt/prompt.ts';

/** When a call's first byte and its end come, in milliseconds from its start. */
export interface Pace {
  readonly ttftMs: number;
  readonly durationMs: number;
}

/** First byte after the base, the prefill of what no cache held and the reading of the rest; then the output at decoding speed. */
export function paceOf(
  profile: SimulatorProfile,
  prompt: Prompt,
  readTokens: number,
  answer: Answer,
  callSeed: number,
): Pace {
  const spread = profile.jitter === 0 ? 1 : 1 + profile.jitter * (2 * new Hasher(callSeed).integer(1).unit() - 1);
  const { ttftMs, durMs } = prompt.directive;
  const prefillMs = (1000 * (prompt.tokens - readTokens)) / profile.prefillTokensPerSecond;
  const readMs = (1000 * readTokens) / profile.readTokensPerSecond;
  const first = ttftMs ?? spread * (profile.baseTtftMs + prefillMs + readMs);
  const whole = durMs ?? first + (spread * 1000 * answer.outputTokens) / profile.decodeTokensPerSecond;
  return { ttftMs: Math.min(first, whole), durationMs: whole };
}
