import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import { assert } from '../assertion.ts';
import { Ring } from './ring.ts';

/**
 * Whose turn it is. SPEC.md F1–F6. Two circles, one in the other: workspaces take turns, and within a workspace its
 * batches do, so that a workspace with a thousand batches gets no more than one with a single batch. Only what is ready
 * (has a request to hand out) is in a circle; a pick is O(1) and looks at no request.
 *
 * Whoever becomes ready goes to the end of its circle: flickering gains nobody a turn, and nobody waits longer than one
 * round of those that are ready.
 */
export class FairShare {
  readonly #batches = new Map<BatchId, WorkspaceId>();
  readonly #readyBatches = new Map<WorkspaceId, Ring<BatchId>>();
  readonly #readyWorkspaces = new Ring<WorkspaceId>();

  /** Batches known, ready or not. */
  get size(): number {
    return this.#batches.size;
  }

  /** Whether `next` would name a batch. Asking ends nobody's turn. */
  get isAnyReady(): boolean {
    return this.#readyWorkspaces.size > 0;
  }

  /** Makes a batch known; it is not ready yet. Again is harmless. */
  add(workspaceId: WorkspaceId, batchId: BatchId): void {
    const known = this.#batches.get(batchId);
    assert(known === undefined || known === workspaceId, () => `${batchId} belongs to ${known}, not ${workspaceId}`);
    this.#batches.set(batchId, workspaceId);
  }

  /** Forgets a batch. Again is harmless. */
  remove(batchId: BatchId): void {
    this.setReady(batchId, false);
    this.#batches.delete(batchId);
  }

  /** Says whether a batch has something to hand out. A batch that is not known is ignored: it was removed meanwhile. */
  setReady(batchId: BatchId, isReady: boolean): void {
    const workspaceId = this.#batches.get(batchId);
    if (workspaceId === undefined) return;
    if (isReady) this.#enter(workspaceId, batchId);
    else this.#leave(workspaceId, batchId);
  }

  /** The batch whose turn it is, which ends its turn; null when none is ready. */
  next(): BatchId | null {
    const workspaceId = this.#readyWorkspaces.turn();
    return workspaceId === null ? null : (this.#readyBatches.get(workspaceId)?.turn() ?? null);
  }

  #enter(workspaceId: WorkspaceId, batchId: BatchId): void {
    let ring = this.#readyBatches.get(workspaceId);
    if (ring === undefined) {
      ring = new Ring();
      this.#readyBatches.set(workspaceId, ring);
    }
    ring.add(batchId);
    this.#readyWorkspaces.add(workspaceId);
  }

  /** A workspace with nothing ready leaves no trace, so that memory follows what runs and not who ever came. */
  #leave(workspaceId: WorkspaceId, batchId: BatchId): void {
    const ring = this.#readyBatches.get(workspaceId);
    if (ring === undefined) return;
    ring.remove(batchId);
    if (ring.size > 0) return;
    this.#readyBatches.delete(workspaceId);
    this.#readyWorkspaces.remove(workspaceId);
  }
}
