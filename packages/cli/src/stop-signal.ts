import { EXIT_FAILED } from './host.ts';
import type { Host } from './host.ts';

/**
 * npm passes Ctrl-C on to the process it runs, which has had it from the terminal already. Two signals so close
 * together are one keystroke; a person who means it is slower.
 */
const ONE_KEYSTROKE_MS = 250;

/** Resolves at the first stop signal; from then on another one leaves at once, with `leavingCode`. */
export function untilStopSignal(host: Host, leavingCode: number = EXIT_FAILED): Promise<void> {
  let firstAtMs: number | null = null;
  return new Promise((stop) => {
    host.onStopSignal(() => {
      const now = host.now();
      if (firstAtMs === null) {
        firstAtMs = now;
        stop();
      } else if (now - firstAtMs > ONE_KEYSTROKE_MS) host.exit(leavingCode);
    });
  });
}
