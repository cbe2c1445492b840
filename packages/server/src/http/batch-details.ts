import { sumOfModels, usdOf, type BatchRecord, type TurnReason } from '@batchwright/core';
import { formatTimestamp, microsecondsFromMs, type MicrosecondsUtc } from '@batchwright/protocol';
import type { BatchAccount } from '../catalog/catalog.ts';
import type { RunningBatch } from '../schedule/running-batch.ts';
import { ledgerObject, predictionObject } from './ledger-object.ts';

/** What is known of a batch beside its wire object. */
export interface BatchFacts {
  readonly batch: BatchRecord;
  readonly account: BatchAccount;
  /** Null when it does not run here. */
  readonly running: RunningBatch | null;
  readonly nowMs: number;
}

/** How far a batch has come, in what state its requests are, and when it will have ended if it goes on like this. */
export function progressObject({ batch, running, nowMs }: Omit<BatchFacts, 'account'>) {
  const { processing } = batch.counts;
  const rate = running?.settledPerSecond ?? 0;
  const eta = running === null || rate === 0 || isPaused(batch, running) ? null : endOf(batch, running, rate, nowMs);
  return {
    pending: running?.states.pending ?? processing,
    in_flight: running?.states.dispatched ?? 0,
    backing_off: running?.states.backing_off ?? 0,
    settled: running?.states.settled ?? batch.requestCount - processing,
    results_per_second: running === null ? null : Math.round(rate * 1000) / 1000,
    eta: eta === null ? null : formatTimestamp(eta),
  };
}

/** What the batch was planned to cache, and expected to cost. */
export function planObject({ batch, account: { prediction } }: BatchFacts) {
  return {
    markers: batch.options.markers,
    prefixes: prediction?.prefixes ?? null,
    requests_sharing: prediction?.sharingRequests ?? null,
    single: prediction === null ? null : batch.requestCount - prediction.sharingRequests,
    predicted: prediction === null ? null : predictionObject(prediction),
  };
}

/** As far as results are durable, whether or not the catalog has it yet; null when nothing was ever recorded. */
export function ledgerOf({ account, running }: BatchFacts) {
  const ledger = running?.ledger ?? account.ledger;
  return ledger === null ? null : ledgerObject(ledger.totals, ledger.rows);
}

/** What the batch may cost, and how much of that is gone; null without a budget. */
export function budgetObject({ batch, account, running }: Omit<BatchFacts, 'nowMs'>) {
  const { budgetNanoUsd } = batch.options;
  if (budgetNanoUsd === null) return null;
  const spent = sumOfModels((running?.ledger ?? account.ledger)?.totals ?? new Map());
  return {
    usd: usdOf(budgetNanoUsd),
    spent_usd: usdOf(spent.costNanoUsd),
    reserved_usd: usdOf(running?.budget.reservedNanoUsd ?? 0),
    state: running !== null && isPaused(batch, running) ? 'exhausted' : 'open',
    unpriced_requests: spent.unpricedRequests,
  };
}

/** What the schedule does now; null when the batch does not run here. */
export function scheduleObject({ running }: BatchFacts) {
  if (running === null) return null;
  return {
    waiting_for_leader: running.waitingForLeader,
    open_prefixes: running.openPrefixes,
    turns: { ...NO_TURNS, ...Object.fromEntries(running.turns) },
  };
}

/** Every reason for a turn, none of which has come up. */
export const NO_TURNS: Readonly<Record<TurnReason, number>> = {
  leads: 0,
  look_ahead: 0,
  gate_timeout: 0,
  warm: 0,
  nearest_expiry: 0,
  single_use: 0,
  never_caches: 0,
  not_worth_waiting: 0,
};

/** A cap that was just lowered below what is spent holds the next request back, although none has asked yet. */
function isPaused({ options: { budgetNanoUsd } }: BatchRecord, { budget, ledger, states }: RunningBatch): boolean {
  if (budgetNanoUsd === null || budget.isExhausted) return budget.isExhausted;
  const hasWaiting = states.pending > 0 || states.backing_off > 0;
  return hasWaiting && sumOfModels(ledger.totals).costNanoUsd >= budgetNanoUsd;
}

/** Whatever the rate, a batch ends when it expires. */
function endOf(batch: BatchRecord, { states }: RunningBatch, rate: number, nowMs: number): MicrosecondsUtc {
  const left = states.pending + states.dispatched + states.backing_off;
  return microsecondsFromMs(Math.min(nowMs + (left / rate) * 1000, batch.expiresAtUs / 1000));
}
