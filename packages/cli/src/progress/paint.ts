import { createColors } from 'picocolors';
import type { Host } from '../host.ts';

/** What colours text, or leaves it as it is. */
export type Paint = ReturnType<typeof createColors>;

/** For what is drawn on the terminal behind standard error: coloured unless `NO_COLOR`, `--no-color` or a dumb terminal is against it. */
export function paintFor(host: Host, isWanted: boolean): Paint {
  return createColors(isWanted && host.errSize() !== null && allowsColour(host.env));
}

/** Colours that are plain text: for pipes. */
export const PLAIN = createColors(false);

/** https://no-color.org: set and not empty, whatever to. */
export function allowsColour(env: Host['env']): boolean {
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
