import { outline, parseSpan, text, type Outline, type Span } from '../scan/outline.ts';

/** An upstream's answer made ready for a results line. */
export interface BatchMessage {
  /** The message's bytes in order; the upstream's own but for `usage.service_tier`, and free of raw newlines. */
  readonly pieces: readonly Uint8Array[];
  readonly usage: MessageUsage;
}

/** Tokens the upstream reported; 0 where it did not. */
export interface MessageUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheCreationTokens: number;
  readonly cacheReadTokens: number;
}

const TIER = Buffer.from('"batch"');
const TIER_FIRST = Buffer.from('"service_tier":"batch",');
const TIER_ONLY = Buffer.from('"service_tier":"batch"');

/**
 * Null when the body is not exactly one JSON object, or is an error: then the upstream is broken, whatever its status
 * said. Gateways that have sent their head already when their own upstream fails can say it in no other way. The bytes are
 * spliced and never re-serialised, so that numbers and escapes inside the content stay as the model's server wrote them.
 */
export function batchMessage(body: Uint8Array): BatchMessage | null {
  const whole = outline(body);
  if (whole === null || isError(whole)) return null;
  // A line holds no raw newline. Between tokens they mean nothing, and inside strings JSON has none.
  if (whole.hasNewlines) return batchMessage(withoutNewlines(body));
  const usage = whole.find('usage');
  if (usage?.kind !== 'object') return { pieces: [body.subarray(whole.start, whole.end)], usage: NOTHING };
  return { pieces: spliceTier(body, whole, usage), usage: readUsage(parseSpan(body, usage)) };
}

function isError(whole: Outline): boolean {
  const error = whole.find('error');
  return error !== null && error.kind !== 'null' && whole.find('content') === null;
}

function spliceTier(body: Uint8Array, whole: Outline, usage: Span): readonly Uint8Array[] {
  const tier = outline(body, usage)?.find('service_tier') ?? null;
  if (tier !== null) return [body.subarray(whole.start, tier.start), TIER, body.subarray(tier.end, whole.end)];
  const isEmpty = text(body, { start: usage.start + 1, end: usage.end - 1 }).trim() === '';
  const inside = usage.start + 1;
  return [body.subarray(whole.start, inside), isEmpty ? TIER_ONLY : TIER_FIRST, body.subarray(inside, whole.end)];
}

const NOTHING: MessageUsage = { inputTokens: 0, outputTokens: 0, cacheCreationTokens: 0, cacheReadTokens: 0 };

function readUsage(usage: unknown): MessageUsage {
  const fields = usage as Readonly<Record<string, unknown>>;
  const count = (name: string): number => {
    const value = fields[name];
    return typeof value === 'number' && value > 0 ? value : 0;
  };
  return {
    inputTokens: count('input_tokens'),
    outputTokens: count('output_tokens'),
    cacheCreationTokens: count('cache_creation_input_tokens'),
    cacheReadTokens: count('cache_read_input_tokens'),
  };
}

function withoutNewlines(body: Uint8Array): Uint8Array {
  return body.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}
