import { mergeTotals, type BatchRecord, type LedgerTotals } from '@batchwright/core';
import { formatDay, type BatchId, type MicrosecondsUtc, type WorkspaceId } from '@batchwright/protocol';
import type { BatchAccount, DayUsage, LedgerCheckpoint } from '../catalog.ts';
import { decodePrediction, decodeTotals, encodeTotals, gainOf } from '../stored-ledger.ts';
import type { Statements } from './statements.ts';

interface LedgerRow {
  readonly rows: number;
  readonly bytes: number;
  readonly at_us: MicrosecondsUtc;
  readonly totals: string;
}

interface UsageRow {
  readonly day: string;
  readonly totals: string;
}

export function findLedger(statements: Statements, id: BatchId, shard: number): LedgerCheckpoint | null {
  const row = statements.findLedger.get(id, shard) as LedgerRow | undefined;
  if (row === undefined) return null;
  return { rows: row.rows, bytes: row.bytes, atUs: row.at_us, totals: decodeTotals(row.totals) };
}

/** A batch in this catalog is one shard, number 0. */
export function findAccount(statements: Statements, workspaceId: WorkspaceId, id: BatchId): BatchAccount | null {
  const row = statements.findPrediction.get(id, workspaceId) as { readonly prediction: string | null } | undefined;
  if (row === undefined) return null;
  const prediction = row.prediction === null ? null : decodePrediction(row.prediction);
  return { prediction, ledger: findLedger(statements, id, 0) };
}

/** Only inside a transaction that read the batch. */
export function recordLedger(
  statements: Statements,
  batch: BatchRecord,
  shard: number,
  next: LedgerCheckpoint | undefined,
): void {
  if (next === undefined || batch.status === 'ended') return;
  const gain = gainOf(findLedger(statements, batch.id, shard), next);
  if (gain === null) return;
  statements.putLedger.run(batch.id, shard, next.rows, next.bytes, next.atUs, encodeTotals(next.totals));
  if (gain.size > 0) addUsage(statements, batch.workspaceId, formatDay(next.atUs), gain);
}

export function listUsage(
  statements: Statements,
  workspaceId: WorkspaceId,
  fromDay: string,
  toDay: string,
): readonly DayUsage[] {
  const rows = statements.listUsage.all(workspaceId, fromDay, toDay) as UsageRow[];
  return rows.map(({ day, totals }) => ({ day, totals: decodeTotals(totals) }));
}

function addUsage(statements: Statements, workspaceId: WorkspaceId, day: string, gain: LedgerTotals): void {
  const row = statements.findUsage.get(workspaceId, day) as UsageRow | undefined;
  const totals = row === undefined ? gain : mergeTotals(decodeTotals(row.totals), gain);
  statements.putUsage.run(workspaceId, day, encodeTotals(totals));
}
