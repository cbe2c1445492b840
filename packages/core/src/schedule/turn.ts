/** Why a request goes now; shown to whoever asks why another still waits. */
export type TurnReason =
  /** First of a cold prefix, and nothing else is ready. */
  | 'leads'
  /** First of a cold prefix, ahead of ready work, so that there is work when that is used up. */
  | 'look_ahead'
  /** Leads beside a leader that has been silent for too long. */
  | 'gate_timeout'
  /** Its prefix is warm. */
  | 'warm'
  /** Its prefix is warm and would expire unless somebody uses it. */
  | 'nearest_expiry'
  /** No other request shares a prefix worth caching with it. */
  | 'single_use'
  /** Its prefix, or its model, was tried and is not cached. */
  | 'never_caches'
  /** Waiting for a leader would cost more than it saves, or none is left to wait for. */
  | 'not_worth_waiting';

/** A request to send now. */
export interface Turn {
  readonly request: number;
  /** A leader is the first to write a prefix: it is streamed, since others wait for its first byte. */
  readonly role: 'leader' | 'follower' | 'filler';
  readonly reason: TurnReason;
}

/** What there is room for at the upstream, and how it has been doing. */
export interface Room {
  readonly nowMs: number;
  /** Places in flight that are not taken. */
  readonly idle: number;
  readonly concurrency: number;
  /** Measured mean from a call's start to its first byte. */
  readonly firstByteMs: number;
  /** Measured mean from a call's start to its end. */
  readonly durationMs: number;
  /** What finishing a second earlier is worth, in input tokens. Absent or 0: waiting always pays. */
  readonly secondWorthTokens?: number;
}

/** What an answer says it read from the cache and wrote to it. */
export interface PrefixUsage {
  readonly readTokens: number;
  readonly createdTokens: number;
}
