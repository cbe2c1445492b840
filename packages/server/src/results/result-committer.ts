import type { Clock, RequestUse, Timer } from '@batchwright/core';
import type { ResultType } from '@batchwright/protocol';
import type { Activity } from '../runtime/activity.ts';
import { SpoolFullError, type ResultLog, type ResultRow } from '../spool/spool.ts';
import type { CommitPace } from './commit-pace.ts';

/**
 * Group commit of one shard's results: lines gather in memory and go to the log together, one sync for all that
 * arrived in a few milliseconds. A request counts as settled only when `onDurable` names it.
 *
 *     append ─▶ gathering ──(5 ms and more since the last commit began, or 1 MB)──▶ committing ─▶ onDurable
 *                   ▲                                                         │ disk full: kept, tried again
 *                   └─────────────────────────────────────────────────────────┘
 *
 * At most one commit is in flight. What waits is bounded by `isCongested`, which tells dispatch to hold back.
 */
export interface CommitterOptions {
  readonly log: ResultLog;
  /** Real time even when the server's clock is virtual: it paces a disk, not the API. */
  readonly pace: Clock;
  readonly commitPace: CommitPace;
  readonly activity: Activity;
  readonly events: CommitterEvents;
}

/** A row with what its answer used; null when it has none. */
export interface SettledRow extends ResultRow {
  readonly use: RequestUse | null;
}

export interface CommitterEvents {
  onDurable(rows: readonly SettledRow[], syncSeconds: number): void;
  /** The store is full or failing; nothing is lost, the same lines are tried again after `retryMs`. */
  onBlocked(cause: unknown, retryMs: number): void;
  /** Another owner has the shard: nothing more may be written. */
  onLost(): void;
}

const COMMIT_AT_BYTES = 1024 * 1024;
const CONGESTED_AT_BYTES = 8 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;
const KEPT_BUFFER_BYTES = 4 * 1024 * 1024;
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 15_000;

type Phase = 'open' | 'lost' | 'closed';

export class ResultCommitter {
  readonly #options: CommitterOptions;
  #gathering = new Staging();
  #spare = new Staging();
  #committing: Promise<void> | null = null;
  #scheduled = false;
  #timer: Timer | null = null;
  /** When the last commit began; before the first one, when the log was opened: a small batch's results come all at once. */
  #lastStartMs: number;
  #isPaced = false;
  #retryMs = RETRY_FIRST_MS;
  #phase: Phase = 'open';

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#lastStartMs = options.pace.now();
  }

  get isCongested(): boolean {
    return this.#gathering.bytes >= CONGESTED_AT_BYTES;
  }

  /** Takes one whole line, in pieces that are copied at once. */
  append(request: number, type: ResultType, pieces: readonly Uint8Array[], use: RequestUse | null = null): void {
    if (this.#phase !== 'open') return;
    this.#gathering.add(request, type, pieces, use);
    this.#schedule();
  }

  /** Writes what has gathered, trying once; what the store refuses is lost with the process, and its requests pending again. */
  async close(): Promise<void> {
    await this.#committing;
    if (this.#phase === 'open' && this.#gathering.rows.length > 0) await this.#commit();
    this.#phase = 'closed';
    this.#timer?.cancel();
    this.#setPaced(false);
    await this.#options.log.close();
  }

  #schedule(): void {
    if (this.#scheduled || this.#committing !== null) return;
    this.#scheduled = true;
    this.#setPaced(true);
    const { pace, commitPace } = this.#options;
    const wait = this.#lastStartMs + commitPace.intervalMs - pace.now();
    if (wait <= 0 || this.#gathering.bytes >= COMMIT_AT_BYTES) this.#commitNext();
    else this.#commitAfter(wait);
  }

  /** Without waiting, but after this turn of the event loop, in which more lines may come. */
  #commitNext(): void {
    this.#options.activity.begin();
    setImmediate(() => {
      this.#options.activity.end();
      this.#commitGathered();
    });
  }

  #commitAfter(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.pace.after(ms, () => this.#commitGathered());
  }

  #commitGathered(): void {
    this.#scheduled = false;
    if (this.#phase === 'open' && this.#committing === null && this.#gathering.rows.length > 0) void this.#commit();
  }

  #commit(): Promise<void> {
    this.#lastStartMs = this.#options.pace.now();
    const chunk = this.#gathering;
    this.#gathering = this.#spare;
    this.#spare = chunk;
    const commit = this.#options.activity.track(this.#write(chunk));
    this.#committing = commit;
    return commit;
  }

  async #write(chunk: Staging): Promise<void> {
    const outcome = await this.#options.log.commit({ lines: chunk.lines(), rows: chunk.rows }).catch(blocked);
    this.#committing = null;
    if (outcome === 'written') return this.#written(chunk);
    if (outcome === 'lost') {
      this.#phase = 'lost';
      this.#setPaced(false);
      return this.#options.events.onLost();
    }
    this.#putBack(chunk);
    this.#options.events.onBlocked(outcome.cause, this.#retryMs);
    this.#retryLater();
  }

  #written(chunk: Staging): void {
    this.#retryMs = RETRY_FIRST_MS;
    const rows = chunk.takeRows();
    if (this.#gathering.rows.length > 0) this.#schedule();
    else this.#setPaced(false);
    this.#options.events.onDurable(rows, this.#options.log.lastSyncSeconds);
  }

  /** Whether this shard is among those that have something to commit. */
  #setPaced(isPaced: boolean): void {
    if (isPaced === this.#isPaced) return;
    this.#isPaced = isPaced;
    if (isPaced) this.#options.commitPace.begin();
    else this.#options.commitPace.end();
  }

  /** The failed lines go before those that gathered meanwhile, so that lines keep the order they were appended in. */
  #putBack(chunk: Staging): void {
    chunk.addAll(this.#gathering);
    this.#gathering.takeRows();
    this.#spare = this.#gathering;
    this.#gathering = chunk;
  }

  #retryLater(): void {
    const wait = this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LAST_MS);
    this.#scheduled = true;
    this.#commitAfter(wait);
  }
}

function blocked(error: unknown): { readonly cause: unknown } {
  // A full disk and a failing one are treated alike: the paid answers stay in memory and the write is tried again.
  return { cause: error instanceof SpoolFullError ? (error.cause ?? error) : error };
}

/** Lines back to back in one growing buffer, with their rows. */
class Staging {
  rows: SettledRow[] = [];
  bytes = 0;
  #buffer: Buffer | null = null;

  add(request: number, type: ResultType, pieces: readonly Uint8Array[], use: RequestUse | null): void {
    let lineBytes = 0;
    for (const piece of pieces) lineBytes += piece.byteLength;
    const buffer = this.#room(lineBytes);
    let at = this.bytes;
    for (const piece of pieces) {
      buffer.set(piece, at);
      at += piece.byteLength;
    }
    this.bytes = at;
    this.rows.push({ request, type, lineBytes, use });
  }

  addAll(other: Staging): void {
    const lines = other.lines();
    this.#room(lines.byteLength).set(lines, this.bytes);
    this.bytes += lines.byteLength;
    for (const row of other.rows) this.rows.push(row);
  }

  lines(): Uint8Array {
    return this.#buffer === null ? new Uint8Array(0) : this.#buffer.subarray(0, this.bytes);
  }

  /** Empties the staging; an unusually large buffer is let go, so that one huge answer does not stay in memory. */
  takeRows(): readonly SettledRow[] {
    const rows = this.rows;
    this.rows = [];
    this.bytes = 0;
    if (this.#buffer !== null && this.#buffer.byteLength > KEPT_BUFFER_BYTES) this.#buffer = null;
    return rows;
  }

  #room(more: number): Buffer {
    const needed = this.bytes + more;
    const buffer = this.#buffer;
    if (buffer !== null && buffer.byteLength >= needed) return buffer;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, FIRST_BUFFER_BYTES, (buffer?.byteLength ?? 0) * 2));
    if (buffer !== null) grown.set(buffer.subarray(0, this.bytes));
    this.#buffer = grown;
    return grown;
  }
}
