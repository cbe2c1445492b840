import {
  nanoUsdOf,
  PUBLISHED_MODELS,
  systemClock,
  type Clock,
  type MarkerMode,
  type ModelTable,
} from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import type { BatchSize } from '../plan/planning.ts';
import { RunOptionsError } from './run-errors.ts';
import { RETRY_CLASSES, type Judge, type RetryClass, type RunOptions } from './run-options.ts';

/** Options with their defaults. */
export interface RunSettings {
  readonly identity: Readonly<Record<string, string>>;
  readonly waves: 'auto' | 'off';
  readonly markers: MarkerMode;
  readonly latencyTokens: number;
  readonly batchSize: BatchSize;
  readonly queuedRequests: number;
  readonly retry: ReadonlySet<RetryClass>;
  readonly attempts: number;
  readonly retryFailed: boolean;
  /** Null: no bound. */
  readonly maxNanoUsd: number | null;
  readonly models: ModelTable;
  readonly judge: Judge | null;
  readonly detach: boolean;
  readonly clock: Clock;
  readonly reached: NonNullable<RunOptions['reached']>;
  readonly onProgress: NonNullable<RunOptions['onProgress']> | null;
}

const DEFAULT_QUEUED_REQUESTS = 100_000;
const DEFAULT_ATTEMPTS = 3;
const MOST_ATTEMPTS = 100;
const DEFAULT_RETRY: readonly RetryClass[] = ['errored', 'expired'];

/** Checks options and fills in what is left out. Throws `RunOptionsError`. */
export function settingsOf(options: RunOptions): RunSettings {
  return {
    identity: options.identity ?? {},
    waves: options.waves ?? 'auto',
    markers: options.markers ?? 'auto',
    latencyTokens: atLeast('latencyTokens', options.latencyTokens ?? 0, 0),
    batchSize: batchSizeOf(options.batchSize ?? {}),
    queuedRequests: whole('queuedRequests', options.queuedRequests ?? DEFAULT_QUEUED_REQUESTS, Number.MAX_SAFE_INTEGER),
    retry: retryOf(options.retry ?? DEFAULT_RETRY),
    attempts: whole('attempts', options.attempts ?? DEFAULT_ATTEMPTS, MOST_ATTEMPTS),
    retryFailed: options.retryFailed ?? false,
    maxNanoUsd: options.maxCostUsd === undefined ? null : amountOf(options.maxCostUsd),
    models: options.models ?? PUBLISHED_MODELS,
    judge: options.judge ?? null,
    detach: options.detach ?? false,
    clock: options.clock ?? hostClock(),
    reached: options.reached ?? (() => undefined),
    onProgress: options.onProgress ?? null,
  };
}

function batchSizeOf({ requests, bytes, tokens }: Partial<BatchSize>): BatchSize {
  return {
    requests: whole('batchSize.requests', requests ?? LIMITS.batchRequests, LIMITS.batchRequests),
    bytes: whole('batchSize.bytes', bytes ?? LIMITS.batchBodyBytes, LIMITS.batchBodyBytes),
    tokens: atLeast('batchSize.tokens', tokens ?? Infinity, 1),
  };
}

function retryOf(classes: readonly RetryClass[]): ReadonlySet<RetryClass> {
  for (const name of classes) {
    if (!RETRY_CLASSES.includes(name)) {
      throw new RunOptionsError(
        `retry: ${JSON.stringify(name)} is no class of failures; there are ${RETRY_CLASSES.join(', ')}`,
      );
    }
  }
  return new Set(classes);
}

function amountOf(text: string): number {
  const amount = nanoUsdOf(text);
  if (amount !== null) return amount;
  throw new RunOptionsError(`maxCostUsd: ${JSON.stringify(text)} is no amount in dollars; write it as "12.50"`);
}

function whole(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  const bound = most === Number.MAX_SAFE_INTEGER ? 'from 1 on' : `from 1 to ${most}`;
  throw new RunOptionsError(`${name}: ${value} will not do; it is a whole number ${bound}`);
}

function atLeast(name: string, value: number, least: number): number {
  if (value >= least) return value;
  throw new RunOptionsError(`${name}: ${value} will not do; it is a number from ${least} on`);
}

function hostClock(): Clock {
  return systemClock({
    now: () => Date.now(),
    setTimeout: (action, delayMs) => setTimeout(action, delayMs),
    clearTimeout: (timer) => clearTimeout(timer),
  });
}
