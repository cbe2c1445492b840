/** How a call goes wrong. */
export const FAULT_KINDS = [
  'rate_limited',
  'acceleration',
  'spend_cap',
  'overloaded',
  'api_error',
  'timeout',
  'bad_request',
  'authentication',
  'reset',
  'stall',
  'truncated',
  'invalid_json',
  'slow',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * When it goes wrong: at once, and nothing comes of the call; when the first byte would have been sent, and what the call
 * was to do is done; half-way through the answer; or, for `stall`, never: nothing more comes.
 */
export const FAULT_PHASES = ['admission', 'before_first_byte', 'mid_stream', 'stall'] as const;
export type FaultPhase = (typeof FAULT_PHASES)[number];

export const FAULT_METHODS = ['GET', 'POST', 'DELETE'] as const;
export type FaultMethod = (typeof FAULT_METHODS)[number];

/** Which calls a rule meets: all that is given must hold. Without any, it meets every call to `/v1/messages`. */
export interface FaultMatch {
  readonly customId?: string;
  /** An id or an alias. */
  readonly model?: string;
  /** A text that the body contains. */
  readonly text?: string;
  /** The path; `/v1/messages` unless said otherwise. A segment `*` stands for any one, as for a batch's id. */
  readonly path?: string;
  /** `POST` where the path alone also names the list. */
  readonly method?: FaultMethod;
  /** Only the nth of the calls that meet the rest, counting from 1; with `times`, that and the following ones. */
  readonly nth?: number;
  /** A share of the calls, chosen by the seed: 0.1 is one in ten. */
  readonly rate?: number;
  /** Milliseconds since the simulator started or was reset. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

export interface FaultRule {
  readonly kind: FaultKind;
  readonly match?: FaultMatch;
  readonly phase?: FaultPhase;
  /** How often it strikes; without end unless given, but once under `nth`. */
  readonly times?: number;
  /** Seconds in `retry-after`; null sends none. */
  readonly retryAfterSeconds?: number | null;
  /** For `slow`: how much longer until the first byte. */
  readonly ms?: number;
  /** In place of the kind's own message. */
  readonly message?: string;
}

/** The kind an HTTP status stands for, as a directive may give it. */
export function kindOfStatus(status: number): FaultKind | undefined {
  return BY_STATUS[status];
}

const BY_STATUS: Readonly<Record<number, FaultKind>> = {
  400: 'bad_request',
  401: 'authentication',
  429: 'rate_limited',
  500: 'api_error',
  504: 'timeout',
  529: 'overloaded',
};

export function isFaultKind(value: unknown): value is FaultKind {
  return typeof value === 'string' && (FAULT_KINDS as readonly string[]).includes(value);
}
