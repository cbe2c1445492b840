import { noUse, usageOf, type RequestUse } from '@batchwright/core';
import { findMember, keyName, outline, parseSpan, skipSpace, type Outline, type Span } from '@batchwright/scan';

/** An upstream's answer made ready for a results line. */
export interface BatchMessage {
  /** The message's bytes in order; the upstream's own but for `usage.service_tier`, and free of raw newlines. */
  readonly pieces: readonly Uint8Array[];
  /** Tokens the upstream reported; 0 where it did not. */
  readonly usage: RequestUse;
}

const SERVICE_TIER = keyName('service_tier');
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
  const model = modelIn(body, whole);
  if (usage?.kind !== 'object') return { pieces: [body.subarray(whole.start, whole.end)], usage: noUse(model) };
  return { pieces: spliceTier(body, whole, usage), usage: usageOf(model, parseSpan(body, usage)) };
}

function isError(whole: Outline): boolean {
  const error = whole.find('error');
  return error !== null && error.kind !== 'null' && whole.find('content') === null;
}

/** The usage is known to be sound by now, so that its few members need a walk and no second outline. */
function spliceTier(body: Uint8Array, whole: Outline, usage: Span): readonly Uint8Array[] {
  const tier = findMember(body, usage.start, SERVICE_TIER);
  if (tier !== null) return [body.subarray(whole.start, tier.start), TIER, body.subarray(tier.end, whole.end)];
  const inside = usage.start + 1;
  const isEmpty = skipSpace(body, inside) === usage.end - 1;
  return [body.subarray(whole.start, inside), isEmpty ? TIER_ONLY : TIER_FIRST, body.subarray(inside, whole.end)];
}

/** A model's name as it stood in an answer; mostly the next answer is of the same model, and its name need not be made again. */
let lastModel = { quoted: new Uint8Array(0), name: '' };
const LONGEST_KNOWN_MODEL = 256;

function modelIn(body: Uint8Array, whole: Outline): string {
  const model = whole.find('model');
  if (model?.kind !== 'string') return '';
  if (isAt(body, model, lastModel.quoted)) return lastModel.name;
  const name = parseSpan(body, model) as string;
  if (model.end - model.start <= LONGEST_KNOWN_MODEL)
    lastModel = { quoted: new Uint8Array(body.subarray(model.start, model.end)), name };
  return name;
}

function isAt(body: Uint8Array, { start, end }: Span, bytes: Uint8Array): boolean {
  if (end - start !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (body[start + i] !== bytes[i]) return false;
  return true;
}

function withoutNewlines(body: Uint8Array): Uint8Array {
  return body.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}
