import type { Brand } from './brand.ts';

/** Microseconds since the Unix epoch; an integer, exact in a double until the year 2255. */
export type MicrosecondsUtc = Brand<number, 'MicrosecondsUtc'>;

export function microsecondsFromMs(ms: number): MicrosecondsUtc {
  return Math.floor(ms * 1000) as MicrosecondsUtc;
}

/** `2024-09-24T18:37:24.100435Z`: the one form the API emits. */
export function formatTimestamp(us: MicrosecondsUtc): string {
  const ms = Math.floor(us / 1000);
  const micros = String(us - ms * 1000).padStart(3, '0');
  return `${new Date(ms).toISOString().slice(0, -1)}${micros}Z`;
}

/** `2024-09-24`: the day, in UTC, that a moment lies in. */
export function formatDay(us: MicrosecondsUtc): string {
  return new Date(Math.floor(us / 1000)).toISOString().slice(0, 10);
}

/** As `formatTimestamp`, keeping an absent moment absent. */
export function formatOptionalTimestamp(us: MicrosecondsUtc | null): string | null {
  return us === null ? null : formatTimestamp(us);
}
