const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** Ten years; a longer life is better said by leaving the expiry out. */
const LONGEST_MS = 3650 * 86_400_000;

/** Milliseconds of `90m`, `12h`, `30d` or `2w`; undefined for anything else, for none, and for more than ten years. */
export function durationMs(text: string): number | undefined {
  const match = /^(\d{1,6})([mhdw])$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}
