import { findViolations, inFlightAt, repeatsAfter } from '../../crash/crash-checks.ts';
import { CrashRound, KILL_MOMENTS, type RoundSize } from '../../crash/crash-round.ts';
import type { Campaign, RoundReport } from '../campaign.ts';

/**
 * R1: a real server, killed with SIGKILL two or three times in a round, and looked over once everything has ended. The
 * seed says what is sent, when it is cancelled and at which moments the server dies; the machine's timing does the rest.
 */
export const kills: Campaign = {
  id: 'R1',
  name: 'kill -9 at random instants',
  rounds: 200,
  round: async (seed) => {
    const round = await CrashRound.open(seed, sizeOf(seed));
    try {
      const server = await round.run();
      const violations = await findViolations(round, server);
      return { violations, counts: countsOf(round) };
    } finally {
      await round.close();
    }
  },
};

/** Of 25 rounds one kills batches of 100,000 requests, four such of some thousands. */
function sizeOf(seed: number): RoundSize {
  if (seed % 25 === 12) return 'huge';
  return seed % 6 === 1 ? 'large' : 'small';
}

function countsOf(round: CrashRound): RoundReport['counts'] {
  const moments = KILL_MOMENTS.map((moment): [string, number] => [
    `killed at ${moment}`,
    round.kills.filter((kill) => kill.moment === moment).length,
  ]);
  const isAccepted = round.submitted.filter((batch) => batch.id !== null);
  return {
    kills: round.kills.length,
    ...Object.fromEntries(moments),
    batches: isAccepted.length,
    requests: isAccepted.reduce((sum, batch) => sum + batch.customIds.length, 0),
    'batches without answer': round.submitted.length - isAccepted.length,
    calls: round.upstream.calls.length,
    'in flight at a kill': round.kills.reduce((sum, kill) => sum + inFlightAt(round, kill), 0),
    repeated: round.kills.reduce((sum, kill) => sum + [...repeatsAfter(round, kill).values()].flat().length, 0),
  };
}
