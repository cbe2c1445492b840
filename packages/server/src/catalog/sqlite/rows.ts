import type { BatchRecord } from '@batchwright/core';
import type {
  ApiVersion,
  BatchId,
  KeyId,
  MicrosecondsUtc,
  ProcessingStatus,
  RequestCounts,
  WorkspaceId,
} from '@batchwright/protocol';
import type { ApiKey, Workspace } from '../catalog.ts';

/**
 * Rows as SQLite hands them over. The schema's checks have vouched for every value before it was stored, so the casts
 * here are the one place where the types of columns are stated.
 */
interface WorkspaceRow {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly created_at_us: MicrosecondsUtc;
  readonly is_default: number;
}

interface KeyRow {
  readonly id: KeyId;
  readonly workspace_id: WorkspaceId;
  readonly name: string;
  readonly hint: string;
  readonly created_at_us: MicrosecondsUtc;
  readonly expires_at_us: MicrosecondsUtc | null;
  readonly revoked_at_us: MicrosecondsUtc | null;
}

interface BatchRow extends RequestCounts {
  readonly id: BatchId;
  readonly workspace_id: WorkspaceId;
  readonly status: ProcessingStatus;
  readonly created_at_us: MicrosecondsUtc;
  readonly expires_at_us: MicrosecondsUtc;
  readonly cancel_initiated_at_us: MicrosecondsUtc | null;
  readonly ended_at_us: MicrosecondsUtc | null;
  readonly archived_at_us: MicrosecondsUtc | null;
  readonly request_count: number;
  readonly api_version: ApiVersion;
  readonly betas: string;
  readonly user_profile_id: string | null;
  readonly options: string;
}

export function workspaceOf(row: unknown): Workspace {
  const { id, name, created_at_us, is_default } = row as WorkspaceRow;
  return { id, name, createdAtUs: created_at_us, isDefault: is_default === 1 };
}

export function keyOf(row: unknown): ApiKey {
  const key = row as KeyRow;
  return {
    id: key.id,
    workspaceId: key.workspace_id,
    name: key.name,
    hint: key.hint,
    createdAtUs: key.created_at_us,
    expiresAtUs: key.expires_at_us,
    revokedAtUs: key.revoked_at_us,
  };
}

export function batchOf(row: unknown): BatchRecord {
  const batch = row as BatchRow;
  const { processing, succeeded, errored, canceled, expired } = batch;
  return {
    id: batch.id,
    workspaceId: batch.workspace_id,
    status: batch.status,
    createdAtUs: batch.created_at_us,
    expiresAtUs: batch.expires_at_us,
    cancelInitiatedAtUs: batch.cancel_initiated_at_us,
    endedAtUs: batch.ended_at_us,
    archivedAtUs: batch.archived_at_us,
    requestCount: batch.request_count,
    counts: { processing, succeeded, errored, canceled, expired },
    apiVersion: batch.api_version,
    betas: JSON.parse(batch.betas) as BatchRecord['betas'],
    userProfileId: batch.user_profile_id,
    options: { ...FIRST_OPTIONS, ...(JSON.parse(batch.options) as Partial<BatchRecord['options']>) },
  };
}

/** What holds for batches stored before an option was there. */
const FIRST_OPTIONS: BatchRecord['options'] = { counts: 'live', markers: 'respect', budgetNanoUsd: null };
