import { defineConfig } from 'vitest/config';

/**
 * Unit tests need no I/O and run in seconds; the others touch disk, loopback or processes. Packages are resolved to
 * their sources, so that a failing test points into the code as written.
 */
const shared = {
  resolve: { conditions: ['batchwright-source'] },
  ssr: { resolve: { conditions: ['batchwright-source'] } },
} as const;

/** Rounds of campaigns, which `npm run soak` orders through the environment; no test by itself. */
const ROUNDS = 'tests/soak/rounds.test.ts';
const soak = { ...shared, test: { name: 'soak', include: [ROUNDS], testTimeout: 0, hookTimeout: 0 } };

export default defineConfig({
  test: {
    pool: 'threads',
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'bench/src/**/*.test.ts'],
          exclude: ['**/*.io.test.ts'],
          isolate: false,
        },
      },
      { ...shared, test: { name: 'io', include: ['packages/*/src/**/*.io.test.ts'], testTimeout: 60_000 } },
      {
        ...shared,
        test: {
          name: 'whole',
          include: ['tests/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: [ROUNDS],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      ...(process.env['BATCHWRIGHT_SOAK'] === undefined ? [] : [soak]),
    ],
  },
});
