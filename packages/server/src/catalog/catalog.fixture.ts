import { emptyUsage, type LedgerTotals, type UsageSum } from '@batchwright/core';
import type { RequestCounts, BatchId, KeyId, MicrosecondsUtc, RandomBytes, WorkspaceId } from '@batchwright/protocol';
import type { LedgerCheckpoint, NewApiKey, NewBatch } from './catalog.ts';
import type { CatalogSources } from './founding.ts';

/** 2026-11-01T00:00:00Z, the moment at which tests begin. */
export const START_US = 1_793_491_200_000_000 as MicrosecondsUtc;
export const SECOND_US = 1_000_000;
export const DAY_US = 86_400 * SECOND_US;

export const at = (offsetUs: number): MicrosecondsUtc => (START_US + offsetUs) as MicrosecondsUtc;

/** The same bytes every time, never the same twice. */
export function countingBytes(): RandomBytes {
  let next = 0;
  return (length) => Uint8Array.from({ length }, () => (next = (next * 31 + 7) % 251));
}

export function sources(): CatalogSources {
  return { randomBytes: countingBytes(), now: () => START_US / 1000 };
}

export const batchId = (name: string | number): BatchId => `msgbatch_01${String(name).padStart(22, 'x')}` as BatchId;
export const workspaceId = (name: string): WorkspaceId => `wrkspc_01${name.padStart(22, 'x')}` as WorkspaceId;

export function newBatch(workspace: WorkspaceId, name: string | number, requestCount = 10): NewBatch {
  return {
    id: batchId(name),
    workspaceId: workspace,
    requestCount,
    apiVersion: '2023-06-01',
    betas: ['output-300k-2026-03-24'],
    userProfileId: null,
    options: { counts: 'live', markers: 'respect', budgetNanoUsd: null },
  } as NewBatch;
}

export function newKey(workspace: WorkspaceId, name: string, changes: Partial<NewApiKey> = {}): NewApiKey {
  return {
    id: `apikey_01${name.padStart(22, 'x')}` as KeyId,
    workspaceId: workspace,
    name,
    hint: 'sk-bw-…abcd',
    sha256: Buffer.from(name).toString('hex').padStart(64, '0'),
    createdAtUs: START_US,
    expiresAtUs: null,
    ...changes,
  };
}

export function counts(processing: number, succeeded: number, rest: Partial<RequestCounts> = {}): RequestCounts {
  return { processing, succeeded, errored: 0, canceled: 0, expired: 0, ...rest };
}

/** Totals of one model. */
export function totals(model: string, sum: Partial<UsageSum>): LedgerTotals {
  return new Map([[model, { ...emptyUsage(), ...sum }]]);
}

/** A ledger of model `m` that covers so many lines. */
export function checkpoint(rows: number, sum: Partial<UsageSum>, offsetUs = 0): LedgerCheckpoint {
  return { rows, bytes: rows * 100, atUs: at(offsetUs), totals: totals('m', sum) };
}
