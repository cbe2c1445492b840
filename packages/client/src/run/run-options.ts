import type Anthropic from '@anthropic-ai/sdk';
import type { Clock, MarkerMode, ModelTable } from '@batchwright/core';
import type { BatchSize } from '../plan/planning.ts';
import type { BatchService } from '../service/batch-service.ts';
import type { RunStore } from '../store/run-store.ts';
import type { RunPoint } from './run-point.ts';
import type { RunProgress } from './run-progress.ts';
import type { SettledResult } from './settled-result.ts';

/** How a run goes; everything has a default. */
export interface RunOptions {
  /** The SDK's client; made from the environment (`ANTHROPIC_BASE_URL`, `ANTHROPIC_API_KEY`) when absent. */
  readonly client?: Anthropic;
  /** What to run against, when it is not the client's API. */
  readonly service?: BatchService;
  /** Where the run is kept; in memory when absent, and then it cannot be taken up again. */
  readonly store?: RunStore;
  /** What must be the same for a kept run to be taken up: how its requests came to be, by name. */
  readonly identity?: Readonly<Record<string, string>>;
  readonly waves?: 'auto' | 'off';
  /** What becomes of `cache_control`; `auto`: added where it pays. */
  readonly markers?: MarkerMode;
  /** What a wave less is worth, in tokens at the price of input; 0: nothing. */
  readonly latencyTokens?: number;
  /** The most a batch may hold; the API's own limits when absent. */
  readonly batchSize?: Partial<BatchSize>;
  /** Requests that may be in batches under way at once. */
  readonly queuedRequests?: number;
  /** Which failures are tried again. */
  readonly retry?: readonly RetryClass[];
  /** How often a request is tried at most, the first time included. */
  readonly attempts?: number;
  /**
   * Takes a finished run up again: what did not succeed, for whatever reason, and what was not taken, has as many tries
   * more. A run that is not finished just goes on.
   */
  readonly retryFailed?: boolean;
  /** What the run may cost, in dollars, as a decimal. */
  readonly maxCostUsd?: string;
  /** Prices and minimums, where they are not those published. */
  readonly models?: ModelTable;
  /**
   * Judges a succeeded answer; one that is not taken is asked for once more. `params` reads what was asked. It is called
   * again for the same answer when a run is taken up, and must say the same.
   */
  readonly judge?: Judge;
  /** Ends the iteration; batches under way go on, and the run can be taken up. */
  readonly signal?: AbortSignal;
  /** Leaves once all that can be sent is. */
  readonly detach?: boolean;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly clock?: Clock;
  /** Told when the run passes a point at which a crash must lose nothing. */
  readonly reached?: (point: RunPoint) => void;
}

/**
 * Failures by what helps. `errored`: all that are worth another try; the rest of the names are parts of it but for
 * `expired` and `canceled`. What is wrong with a request itself is never tried again.
 */
export const RETRY_CLASSES = [
  'errored',
  'rate_limited',
  'overloaded',
  'api_error',
  'timed_out',
  'expired',
  'canceled',
] as const;

export type RetryClass = (typeof RETRY_CLASSES)[number];

/** Says whether an answer is what was asked for. */
export type Judge = (
  result: SettledResult,
  params: () => Promise<Readonly<Record<string, unknown>>>,
) => Verdict | Promise<Verdict>;

/** What is made of a succeeded answer. */
export type Verdict =
  | { readonly type: 'accepted' }
  /** Not what was asked for. `params` are sent in another try, if one is left. */
  | { readonly type: 'rejected'; readonly reason: string; readonly params: Readonly<Record<string, unknown>> | null };
