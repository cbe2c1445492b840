/**
 * A campaign attacks the server in one way, round after round, each drawn from one seed. `npm run soak` runs campaigns,
 * keeps how far they came, and names the seeds that failed; a round must replay from its seed alone.
 */
export interface Campaign {
  /** As in `npm run soak -- R1`. */
  readonly id: string;
  readonly name: string;
  /** Rounds of the full goal. */
  readonly rounds: number;
  /** Whether several processes may run its rounds at once. */
  readonly isParallel?: boolean;
  /** Once, before the first round of a run. */
  open?(): Promise<void>;
  /** One history. What is wrong with the server is a violation; a rejection means that the round itself broke. */
  round(seed: number): Promise<RoundReport>;
  /** Once, after the last round, also when one failed. */
  close?(): Promise<void>;
}

export interface RoundReport {
  /** One line each; none when every promise held. */
  readonly violations: readonly string[];
  /** What happened, summed over rounds and printed: kills, calls, repeated. */
  readonly counts: Readonly<Record<string, number>>;
}
