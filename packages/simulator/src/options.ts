import type { Clock, ModelTable } from '@batchwright/core';
import type { NativeBatchOptions } from './batches/batch-run.ts';
import type { CacheOptions } from './cache/cache-options.ts';
import type { FaultRule } from './faults/fault-rule.ts';
import type { SimulatorLimits } from './limits/rate-limits.ts';

/** How fast the simulated models are. */
export interface SimulatorProfile {
  /** Milliseconds before the first byte of the shortest prompt. */
  readonly baseTtftMs: number;
  readonly prefillTokensPerSecond: number;
  /** How fast cached tokens are taken up; `Infinity` for at once. */
  readonly readTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  /** Spread of the times above: 0.2 makes each call up to a fifth faster or slower, by its seed. */
  readonly jitter: number;
}

export const DEFAULT_PROFILE: SimulatorProfile = {
  baseTtftMs: 1000,
  prefillTokensPerSecond: 4000,
  readTokensPerSecond: Infinity,
  decodeTokensPerSecond: 60,
  jitter: 0,
};

/** Profiles by name. */
export const SIMULATOR_PROFILES = {
  /** As slow as a model. */
  real: DEFAULT_PROFILE,
  /** For tests of programs and first tries, where waiting teaches nothing. */
  instant: {
    baseTtftMs: 0,
    prefillTokensPerSecond: Number.MAX_VALUE,
    readTokensPerSecond: Infinity,
    decodeTokensPerSecond: Number.MAX_VALUE,
    jitter: 0,
  },
} as const satisfies Readonly<Record<string, SimulatorProfile>>;

export interface SimulatorOptions {
  readonly clock: Clock;
  /** Same seed, same calls at the same times: same answers, ids and faults. */
  readonly seed: number | string;
  readonly profile?: Partial<SimulatorProfile> | undefined;
  /** Without limits every call is admitted. */
  readonly limits?: SimulatorLimits | undefined;
  readonly faults?: readonly FaultRule[] | undefined;
  /** How prompts are cached, where that is not as it usually is. */
  readonly cache?: Partial<CacheOptions> | undefined;
  /** What models cost, and from how many tokens on they cache, where that is not as published. */
  readonly models?: ModelTable | undefined;
  /** How native batches are run. */
  readonly batches?: Partial<NativeBatchOptions> | undefined;
  /** How many of the latest requests the ledger lists; its totals leave none out. */
  readonly ledgerEntries?: number | undefined;
  /** How many of the latest requests are kept, and how many bytes of their bodies. */
  readonly requestLog?: { readonly entries?: number; readonly bodyBytes?: number } | undefined;
}
