import type { PrefixUsage, Room, Turn } from './turn.ts';

/** Hands out the requests of a shard and hears what becomes of them: a `PrefixSchedule`, or several side by side. */
export interface RequestOrder {
  /** Told when something here became ready through another batch's call, or through time. */
  onReadiness: (() => void) | null;
  /** Requests queued, those that wait for a leader included. */
  readonly size: number;
  /** Of those, how many have a prefix that is not warm: they wait for a leader, or to be one. */
  readonly waitingForLeader: number;
  /** Prefixes that were led, here or elsewhere, and have requests waiting. */
  readonly openPrefixes: number;
  /** Whether `take` would hand one out. */
  isReady(nowMs: number): boolean;
  /** The next moment at which time alone may make something ready, or null. */
  nextWakeMs(): number | null;
  /** Hands out the request to send now, or null. */
  take(room: Room): Turn | null;
  /** Puts a request back behind the others of its prefix: to be tried again, or not tried at all. */
  push(request: number): void;
  /** The request's call has begun. */
  started(request: number, nowMs: number): void;
  /** The call's first byte is here, with what it says it read and wrote, if it says so. */
  firstByte(request: number, usage: PrefixUsage | null, nowMs: number): void;
  /** The call is over. `usage` is null when it failed; after a first byte that changes nothing. */
  ended(request: number, usage: PrefixUsage | null, nowMs: number): void;
  /** Hands out no more. Calls in flight still report. */
  close(): void;
}
