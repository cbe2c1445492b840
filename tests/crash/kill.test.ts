import { describe, expect, it } from 'vitest';
import { findViolations, repeatsAfter } from './crash-checks.ts';
import { CrashRound, KILL_MOMENTS } from './crash-round.ts';

/**
 * SIGKILL at drawn instants of a real server, until everything has ended. `npm test` runs a share;
 * `BATCHWRIGHT_CRASH_ROUNDS` raises it, and `BATCHWRIGHT_CRASH_SEED` says where to begin.
 */
const ROUNDS = Number(process.env['BATCHWRIGHT_CRASH_ROUNDS'] ?? 8);
const FIRST = Number(process.env['BATCHWRIGHT_CRASH_SEED'] ?? 1);

const met = { kills: new Map<string, number>(), repeats: [] as number[], calls: 0, accepted: 0, unanswered: 0 };

describe('a server killed at any instant', () => {
  const seeds = Array.from({ length: ROUNDS }, (_, i) => FIRST + i);

  it.each(seeds)('loses nothing, repeats no result, and pays no more twice than it must (seed %i)', async (seed) => {
    const round = await CrashRound.open(seed);
    try {
      const server = await round.run();
      expect(await findViolations(round, server)).toEqual([]);
      record(round);
    } finally {
      await round.close();
    }
  });

  it('was killed at every moment there is, with work under way', () => {
    if (process.env['BATCHWRIGHT_CRASH_REPORT'] !== undefined) process.stderr.write(`${report()}\n`);
    if (ROUNDS < KILL_MOMENTS.length) return;
    expect([...met.kills.keys()].toSorted()).toEqual([...KILL_MOMENTS].toSorted());
    // Rounds in which nothing was in flight would prove nothing.
    expect(met.repeats.filter((count) => count > 0).length).toBeGreaterThan(0);
  });
});

function record(round: CrashRound): void {
  for (const kill of round.kills) {
    met.kills.set(kill.moment, (met.kills.get(kill.moment) ?? 0) + 1);
    met.repeats.push([...repeatsAfter(round, kill).values()].reduce((sum, ids) => sum + ids.length, 0));
  }
  met.calls += round.upstream.calls.length;
  met.accepted += round.submitted.filter((batch) => batch.id !== null).length;
  met.unanswered += round.submitted.filter((batch) => batch.id === null).length;
}

function report(): string {
  const sorted = met.repeats.toSorted((a, b) => a - b);
  const [median, most] = [sorted[sorted.length >> 1], sorted.at(-1)];
  const kills = JSON.stringify(Object.fromEntries(met.kills));
  return `kills ${kills}; batches ${met.accepted}, without answer ${met.unanswered}; calls ${met.calls}; repeated per kill: median ${median}, most ${most}`;
}
