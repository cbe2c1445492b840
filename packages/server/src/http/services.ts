import type { BatchRecord, Clock, MarkerMode, RequestState } from '@batchwright/core';
import type { BatchId, RandomBytes, RequestCounts } from '@batchwright/protocol';
import type { Catalog } from '../catalog/catalog.ts';
import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from '../dispatch/upstream/upstream.ts';
import type { Intake } from '../intake/intake.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ChangeListener } from '../schedule/batch-changes.ts';
import type { RunningBatch } from '../schedule/running-batch.ts';
import type { Spool } from '../spool/spool.ts';

/** Everything the HTTP room asks of the rest of the server. */
export interface HttpServices {
  readonly clock: Clock;
  /** Real time even when the clock is virtual: it paces connections, not the API. */
  readonly pace: Clock;
  readonly randomBytes: RandomBytes;
  readonly catalog: Catalog;
  readonly spool: Spool;
  readonly intake: Intake;
  readonly upstream: Upstream;
  /** Of batches that run on this node; null for every other. */
  readonly progress: {
    counts(id: BatchId): RequestCounts | null;
    details(id: BatchId): RunningBatch | null;
    requestState(id: BatchId, request: number): RequestState | null;
    /** Tells of changes to a batch, and that it ended, until the function given back is called. */
    listen(id: BatchId, listener: ChangeListener): () => void;
  };
  /** Told after the catalog has it, so that work starts or stops at once and not at the next look. */
  readonly scheduler: {
    batchCreated(batch: BatchRecord): void;
    cancelRequested(batch: BatchRecord): void;
    budgetChanged(batch: BatchRecord): void;
    batchDeleted(id: BatchId): void;
  };
  readonly settings: HttpSettings;
  readonly metrics: Metrics;
  readonly log: Log;
  /** The simulator's own controls under `/sim`, answered without a key; null when the upstream is a real one. */
  readonly emulator: Emulator | null;
  readonly readiness: () => Promise<Readiness>;
}

export interface HttpSettings {
  /** The base URL clients reach the server under, a path prefix included; null takes it from each request. */
  readonly publicUrl: string | null;
  /** Whether a proxy stands before the server that overwrites `X-Forwarded-*`. */
  readonly trustsProxy: boolean;
  /** Calls per minute and workspace to the batch endpoints; 0 sets no limit. */
  readonly requestsPerMinute: number;
  /** Requests a workspace may have unfinished; 0 sets no limit. */
  readonly queuedRequests: number;
  /** What is done with `cache_control` in batches that do not say. */
  readonly markers: MarkerMode;
  /** Accepted in `anthropic-beta` besides the known ones. */
  readonly extraBetas: readonly string[];
  /** Whether `/metrics` answers without a key. */
  readonly metricsOpen: boolean;
  /** Open sockets; more are turned away before anything is read. */
  readonly maxConnections: number;
  /** Within which a request's head must be there, from the connection's beginning or the end of the call before. */
  readonly headersTimeoutMs: number;
  /** Calls that may wait for news of a batch at once: event streams, and polls that wait. */
  readonly maxWatches: number;
  /** Memory that all Messages bodies under way may hold together; calls beyond it answer 529. */
  readonly messageBodiesBytes: number;
}

/** What an operator gets who sets nothing. */
export const DEFAULT_HTTP_SETTINGS: HttpSettings = {
  publicUrl: null,
  trustsProxy: false,
  requestsPerMinute: 0,
  queuedRequests: 0,
  markers: 'respect',
  extraBetas: [],
  metricsOpen: true,
  maxConnections: 10_000,
  headersTimeoutMs: 60_000,
  maxWatches: 1000,
  messageBodiesBytes: 512 * 1024 * 1024,
};

export interface Emulator {
  handle(call: EmulatorCall, events: UpstreamEvents): CancelCall;
}

/** As an upstream call, and the controls know DELETE as well. */
export type EmulatorCall = Omit<UpstreamCall, 'method'> & { readonly method: UpstreamCall['method'] | 'DELETE' };

export interface Readiness {
  readonly ready: boolean;
  /** What is missing, one short sentence each. */
  readonly reasons: readonly string[];
}
