import { describe, expect, it } from 'vitest';
import type { Host } from './host.ts';
import { untilStopSignal } from './stop-signal.ts';

function signalled(): { readonly host: Host; send(atMs: number): void; readonly exits: readonly number[] } {
  const exits: number[] = [];
  let heard = (): void => {};
  let now = 0;
  const host: Partial<Host> = {
    now: () => now,
    exit: (code) => void exits.push(code),
    onStopSignal: (listener) => {
      heard = listener;
      return () => {};
    },
  };
  return {
    host: host as Host,
    exits,
    send: (atMs) => {
      now = atMs;
      heard();
    },
  };
}

describe('untilStopSignal', () => {
  it('resolves at the first signal and leaves at the second', async () => {
    const { host, send, exits } = signalled();
    const stopped = untilStopSignal(host);
    send(1000);
    await stopped;
    expect(exits).toEqual([]);
    send(1300);
    expect(exits).toEqual([1]);
  });

  it('takes the echo of one keystroke for no second signal', async () => {
    const { host, send, exits } = signalled();
    const stopped = untilStopSignal(host);
    send(1000);
    send(1005);
    await stopped;
    expect(exits).toEqual([]);
  });
});
