import { expect, it } from 'vitest';
import { insteadOfRefusedPort } from './refused-port.ts';

const ASKED = new Error('asked');

it.each([
  [1, 2],
  [4190, 4191],
  [6000, 6001],
  [6665, 6670],
  [10_080, 10_081],
])('a port that fetch refuses has one beside it that it does not: %i', (port, other) => {
  expect(insteadOfRefusedPort(port)).toBe(other);
});

it.each([0, 80, 443, 4180, 4181, 5000, 8000, 65_535])('a port that fetch takes is as good as any: %i', (port) => {
  expect(insteadOfRefusedPort(port)).toBeNull();
});

it('refuses just what the fetch of this runtime does', async () => {
  // Nothing is connected to: whoever gets as far as the dispatcher was not refused.
  const dispatcher = { dispatch: (_: unknown, handler: { onError(error: Error): void }) => handler.onError(ASKED) };
  const isRefused = async (port: number): Promise<boolean> => {
    const failure = await fetch(`http://127.0.0.1:${port}`, { dispatcher } as object).catch((error: unknown) => error);
    return (failure as Error).cause !== ASKED;
  };
  const ports = Array.from({ length: 10_100 }, (_, i) => i + 1);
  const refused = await Promise.all(ports.map(isRefused));
  expect(ports.filter((_, i) => refused[i])).toEqual(ports.filter((port) => insteadOfRefusedPort(port) !== null));
});
