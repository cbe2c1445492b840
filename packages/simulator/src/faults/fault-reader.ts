import { isJsonObject, type JsonObject } from '@batchwright/core';
import {
  FAULT_KINDS,
  FAULT_METHODS,
  FAULT_PHASES,
  isFaultKind,
  type FaultMatch,
  type FaultMethod,
  type FaultPhase,
  type FaultRule,
} from './fault-rule.ts';
import type { FaultEntry } from './fault-book.ts';

export type FaultReading =
  | { readonly type: 'rules'; readonly rules: readonly FaultRule[] }
  | { readonly type: 'mistake'; readonly path: string; readonly reason: string };

/** Reads rules as JSON spells them: one, a list, or `{"faults": […]}`. The only place their snake_case is known. */
export function readFaultRules(value: unknown): FaultReading {
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : isJsonObject(value) && Array.isArray(value['faults'])
      ? value['faults']
      : [value];
  const rules: FaultRule[] = [];
  try {
    list.forEach((item, i) => rules.push(readRule(item, `faults.${i}`)));
  } catch (error) {
    if (error instanceof Mistake) return { type: 'mistake', path: error.path, reason: error.message };
    throw error;
  }
  return { type: 'rules', rules };
}

/** A rule and its tallies, as `GET /sim/faults` shows them. */
export function showFault(entry: Readonly<FaultEntry>): JsonObject {
  const { match = {}, retryAfterSeconds, ...rule } = entry.rule;
  const { customId, fromMs, untilMs, ...same } = match;
  return {
    ...rule,
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
    match: {
      ...same,
      ...(customId !== undefined && { custom_id: customId }),
      ...(fromMs !== undefined && { from_ms: fromMs }),
      ...(untilMs !== undefined && { until_ms: untilMs }),
    },
    seen: entry.seen,
    struck: entry.struck,
  };
}

/** Leaves the reading of one document from wherever the mistake is. Never leaves this file. */
class Mistake extends Error {
  readonly path: string;
  constructor(path: string, reason: string) {
    super(reason);
    this.path = path;
  }
}

function readRule(value: unknown, path: string): FaultRule {
  const rule = objectAt(value, path, ['kind', 'match', 'phase', 'times', 'retry_after', 'ms', 'message']);
  const { kind, phase, times, retry_after: retryAfter, ms, message } = rule;
  if (!isFaultKind(kind)) throw new Mistake(`${path}.kind`, `Input should be one of ${FAULT_KINDS.join(', ')}`);
  if (phase !== undefined && !FAULT_PHASES.includes(phase as FaultPhase)) {
    throw new Mistake(`${path}.phase`, `Input should be one of ${FAULT_PHASES.join(', ')}`);
  }
  return {
    kind,
    ...(rule['match'] !== undefined && { match: readMatch(rule['match'], `${path}.match`) }),
    ...(phase !== undefined && { phase: phase as FaultPhase }),
    ...(times !== undefined && { times: numberAt(times, `${path}.times`, 1) }),
    ...(retryAfter !== undefined && {
      retryAfterSeconds: retryAfter === null ? null : numberAt(retryAfter, `${path}.retry_after`, 0),
    }),
    ...(ms !== undefined && { ms: numberAt(ms, `${path}.ms`, 0) }),
    ...(message !== undefined && { message: stringAt(message, `${path}.message`) }),
  };
}

function readMatch(value: unknown, path: string): FaultMatch {
  const keys = ['custom_id', 'model', 'text', 'path', 'method', 'nth', 'rate', 'from_ms', 'until_ms'];
  const {
    custom_id: customId,
    model,
    text,
    path: at,
    method,
    nth,
    rate,
    from_ms: fromMs,
    until_ms: untilMs,
  } = objectAt(value, path, keys);
  if (method !== undefined && !FAULT_METHODS.includes(method as FaultMethod)) {
    throw new Mistake(`${path}.method`, `Input should be one of ${FAULT_METHODS.join(', ')}`);
  }
  return {
    ...(customId !== undefined && { customId: stringAt(customId, `${path}.custom_id`) }),
    ...(model !== undefined && { model: stringAt(model, `${path}.model`) }),
    ...(text !== undefined && { text: stringAt(text, `${path}.text`) }),
    ...(at !== undefined && { path: pathAt(at, `${path}.path`) }),
    ...(method !== undefined && { method: method as FaultMethod }),
    ...(nth !== undefined && { nth: numberAt(nth, `${path}.nth`, 1) }),
    ...(rate !== undefined && { rate: numberAt(rate, `${path}.rate`, 0, 1) }),
    ...(fromMs !== undefined && { fromMs: numberAt(fromMs, `${path}.from_ms`, 0) }),
    ...(untilMs !== undefined && { untilMs: numberAt(untilMs, `${path}.until_ms`, 0) }),
  };
}

function objectAt(value: unknown, path: string, keys: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw new Mistake(path, 'Input should be an object');
  const extra = Object.keys(value).find((key) => !keys.includes(key));
  if (extra !== undefined)
    throw new Mistake(`${path}.${extra}`, `Extra inputs are not permitted; known are ${keys.join(', ')}`);
  return value;
}

function stringAt(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new Mistake(path, 'Input should be a valid string');
  return value;
}

/** A path that no call has would never strike, and nobody would know why. */
function pathAt(value: unknown, path: string): string {
  const text = stringAt(value, path);
  if (!/^\/v1\/[^?#]+$/.test(text)) throw new Mistake(path, 'Input should be a path that begins with /v1/');
  return text;
}

function numberAt(value: unknown, path: string, least: number, most = Infinity): number {
  if (typeof value !== 'number') throw new Mistake(path, 'Input should be a valid number');
  if (value < least) throw new Mistake(path, `Input should be greater than or equal to ${least}`);
  if (value > most) throw new Mistake(path, `Input should be less than or equal to ${most}`);
  return value;
}
