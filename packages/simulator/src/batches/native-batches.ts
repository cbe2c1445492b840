import { isDueForArchive, type BatchRecord } from '@batchwright/core';
import { BATCH_LIFETIME_MS, makeId, microsecondsFromMs, type BatchId, type WorkspaceId } from '@batchwright/protocol';
import type { Owner } from '../cache/scope.ts';
import { Hasher } from '../hash.ts';
import type { Host } from '../host.ts';
import type { CallTerms } from '../terms.ts';
import { BatchRun, DEFAULT_NATIVE_BATCHES, type NativeBatchOptions } from './batch-run.ts';
import type { ItemTerms } from './batch-item.ts';
import type { BatchItem } from './create-body.ts';

/** More batches than this are not kept: the oldest that has ended is forgotten. */
const MOST_BATCHES = 1000;

/** The native batches of the simulated service, newest first. */
export class NativeBatches {
  readonly #host: Host;
  readonly #options: NativeBatchOptions;
  #runs: BatchRun[] = [];
  #unended = 0;

  constructor(host: Host, options: Partial<NativeBatchOptions> = {}) {
    this.#host = host;
    this.#options = { ...DEFAULT_NATIVE_BATCHES, ...options };
  }

  /** Batches that have not ended. */
  get unendedCount(): number {
    return this.#unended;
  }

  /** Items under way. */
  get runningCount(): number {
    return this.#runs.reduce((sum, run) => sum + run.runningCount, 0);
  }

  create(items: readonly BatchItem[], owner: Owner, terms: CallTerms, headers: ItemTerms['headers']): BatchRun {
    const record = this.#recordOf(items.length, owner, terms);
    const itemTerms = { batch: record.id, owner, headers };
    this.#unended += 1;
    const run = new BatchRun(record, items, itemTerms, this.#host, this.#options, () => {
      this.#unended -= 1;
    });
    this.#runs.unshift(run);
    this.#trim();
    return run;
  }

  /** The owner's batches; those of another are as if there were none. */
  list(owner: Owner): readonly BatchRun[] {
    const nowUs = microsecondsFromMs(this.#host.clock.now());
    const own = this.#runs.filter((run) => isSame(run.terms.owner, owner));
    for (const run of own) if (isDueForArchive(run.record, nowUs)) run.apply({ type: 'retention_passed' });
    return own;
  }

  find(owner: Owner, id: string): BatchRun | undefined {
    return this.list(owner).find((run) => run.record.id === id);
  }

  /** Forgets a batch that has ended. */
  delete(run: BatchRun): void {
    this.#runs = this.#runs.filter((other) => other !== run);
  }

  /** As new. What runs is given up. */
  reset(): void {
    for (const run of this.#runs) run.stop();
    this.#runs = [];
    this.#unended = 0;
  }

  #recordOf(requestCount: number, owner: Owner, { version, betas }: CallTerms): BatchRecord {
    const hasher = new Hasher(this.#host.seed).text('batch').integer(this.#host.arrivals++);
    const nowMs = this.#host.clock.now();
    return {
      id: makeId('batch', (length) => Uint8Array.from({ length }, (_, i) => hasher.integer(i).word() & 255)) as BatchId,
      workspaceId: owner.headers['anthropic-workspace-id'] as WorkspaceId,
      status: 'in_progress',
      createdAtUs: microsecondsFromMs(nowMs),
      expiresAtUs: microsecondsFromMs(nowMs + BATCH_LIFETIME_MS),
      cancelInitiatedAtUs: null,
      endedAtUs: null,
      archivedAtUs: null,
      requestCount,
      counts: { processing: requestCount, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      apiVersion: version,
      betas,
      userProfileId: null,
      // As the API documents it: all counts move when the batch ends.
      options: { counts: 'strict', markers: 'respect', budgetNanoUsd: null },
    };
  }

  #trim(): void {
    if (this.#runs.length <= MOST_BATCHES) return;
    const oldest = this.#runs.findLastIndex((run) => run.record.status === 'ended');
    if (oldest >= 0) this.#runs.splice(oldest, 1);
  }
}

function isSame(a: Owner, b: Owner): boolean {
  return a.organization === b.organization && a.workspace === b.workspace;
}
