import type {
  ApiVersion,
  BatchId,
  MicrosecondsUtc,
  ProcessingStatus,
  RequestCounts,
  WorkspaceId,
} from '@batchwright/protocol';
import type { MarkerMode } from '../prefix/prefix-plan.ts';

/** When counters move: `live` as requests settle, `strict` all at once when the batch ends. */
export type CountsMode = 'live' | 'strict';

/** Create-time options of a batch, from the `batchwright-options` header. */
export interface BatchOptions {
  readonly counts: CountsMode;
  readonly markers: MarkerMode;
  /** What the batch may cost; null: whatever it takes. The one option that may change later. */
  readonly budgetNanoUsd: number | null;
}

/** A batch as the catalog keeps it. Every moment is microseconds UTC. */
export interface BatchRecord {
  readonly id: BatchId;
  readonly workspaceId: WorkspaceId;
  readonly status: ProcessingStatus;
  readonly createdAtUs: MicrosecondsUtc;
  readonly expiresAtUs: MicrosecondsUtc;
  readonly cancelInitiatedAtUs: MicrosecondsUtc | null;
  readonly endedAtUs: MicrosecondsUtc | null;
  readonly archivedAtUs: MicrosecondsUtc | null;
  /** Requests submitted; the five counters always sum to it. */
  readonly requestCount: number;
  /** As of the last checkpoint while the batch runs, final once it ended. */
  readonly counts: RequestCounts;
  /** The version and betas the batch was created under; they apply to each of its requests. */
  readonly apiVersion: ApiVersion;
  readonly betas: readonly string[];
  readonly userProfileId: string | null;
  readonly options: BatchOptions;
}
