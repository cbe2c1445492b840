import { assert, unreachable } from '@batchwright/core';
import type { BegunEntry, FinalCounts, JournalEntry, PlannedBatch } from './journal-entry.ts';

/** The world's mistake: a journal that no run can have written. */
export class JournalDamageError extends Error {
  override readonly name = 'JournalDamageError';
}

/** A batch of a run, as far as its journal knows. */
export interface BatchRecord {
  readonly plan: PlannedBatch;
  /** Requests tried for the first time are in round 0. */
  readonly round: number;
  /** How often its requests were planned again before they were sent. */
  readonly generation: number;
  readonly state: BatchState;
  /** Batches on the server that were taken for it and are not. */
  readonly notOurs: readonly string[];
  /** Whether its results were there when the run was last reopened: tries of before, which count no more. */
  readonly isPast: boolean;
}

/** How far a batch is. */
export type BatchState =
  | { readonly type: 'planned' }
  /** Nobody knows whether it was created. */
  | { readonly type: 'sending'; readonly sinceMs: number }
  | SentState
  | (Omit<SentState, 'type'> & { readonly type: 'ended' })
  | (Omit<SentState, 'type'> & { readonly type: 'downloaded'; readonly bytes: number })
  | { readonly type: 'replaced'; readonly by: readonly number[] };

interface SentState {
  readonly type: 'sent';
  readonly id: string;
  readonly isAdopted: boolean;
  /** When its creation was begun, by this side's clock. */
  readonly sinceMs: number;
  /** When it was created, by the server's. */
  readonly createdAtMs: number;
}

/**
 * What a journal says, entry by entry: the one place that knows what follows from what, for runs that go on as for runs
 * that are taken up. Time and order are the journal's; nothing else is asked.
 */
export class RunRecord {
  #begun: BegunEntry | null = null;
  #prepared: { readonly requests: number; readonly requestBytes: number } | null = null;
  #round = -1;
  #isCanceled = false;
  #finished: Finish | null = null;
  readonly #batches: BatchRecord[] = [];
  readonly #claimed = new Set<string>();

  /** Null: the run has never been. */
  get begun(): BegunEntry | null {
    return this.#begun;
  }

  /** Null until all requests were read. */
  get prepared(): { readonly requests: number; readonly requestBytes: number } | null {
    return this.#prepared;
  }

  /** The last that was planned; -1: none. */
  get round(): number {
    return this.#round;
  }

  get isCanceled(): boolean {
    return this.#isCanceled;
  }

  /** Whether a batch may have been created; one that was refused was not. */
  get hasSent(): boolean {
    return this.#batches.some(({ state }) => state.type !== 'planned' && state.type !== 'replaced');
  }

  /** Null until it is. */
  get finishedAtMs(): number | null {
    return this.#finished?.atMs ?? null;
  }

  /** What a finished run came to; null: it is not finished, or was by a version that did not say. */
  get finalCounts(): FinalCounts | null {
    return this.#finished?.counts ?? null;
  }

  /** Whether a finished run is kept whole, since some of it did not succeed and can be tried again. */
  get canReopen(): boolean {
    const counts = this.finalCounts;
    return counts !== null && counts.succeeded - counts.rejected < counts.requests;
  }

  /** By number. */
  get batches(): readonly BatchRecord[] {
    return this.#batches;
  }

  batch(number: number): BatchRecord {
    const batch = this.#batches[number];
    assert(batch !== undefined, () => `batch ${number} was never planned`);
    return batch;
  }

  /** Whether a batch on the server is taken for one of ours, rightly or not. */
  isClaimed(id: string): boolean {
    return this.#claimed.has(id);
  }

  /** Takes what was noted next. Throws `JournalDamageError` when it cannot follow. */
  add(entry: JournalEntry): void {
    if ((entry.type === 'begun') !== (this.#begun === null)) throw damage(entry);
    switch (entry.type) {
      case 'begun':
        if (entry.format !== 1) throw newer(entry);
        this.#begun = entry;
        return;
      case 'prepared':
        if (this.#prepared !== null) throw damage(entry);
        this.#prepared = { requests: entry.requests, requestBytes: entry.requestBytes };
        return;
      case 'planned':
        this.#plan(entry);
        return;
      case 'canceled':
        this.#isCanceled = true;
        return;
      case 'finished':
        this.#finished = { atMs: entry.atMs, counts: entry.counts ?? null };
        return;
      case 'reopened':
        this.#reopen(entry);
        return;
      case 'sending':
      case 'sent':
      case 'not_sent':
      case 'ended':
      case 'downloaded':
        this.#move(entry);
        return;
      default:
        throw newer(entry satisfies never);
    }
  }

  #plan(entry: Extract<JournalEntry, { type: 'planned' }>): void {
    if (this.#prepared === null || entry.round < this.#round) throw damage(entry);
    const replaced = entry.replaces.map((number) => this.#batches[number]);
    if (replaced.some((batch) => batch?.state.type !== 'planned')) throw damage(entry);
    const generation = Math.max(0, ...replaced.map((batch) => (batch as BatchRecord).generation + 1));
    const first = this.#batches.length;
    if (entry.batches.some(({ number }, i) => number !== first + i)) throw damage(entry);
    for (const plan of entry.batches) {
      this.#batches.push({ plan, round: entry.round, generation, state: { type: 'planned' }, ...FRESH });
    }
    const by = entry.batches.map(({ number }) => number);
    for (const number of entry.replaces) this.#set(number, { type: 'replaced', by });
    this.#round = entry.round;
  }

  /** What somebody canceled before is wanted now. */
  #reopen(entry: JournalEntry): void {
    if (!this.canReopen) throw damage(entry);
    this.#finished = null;
    this.#isCanceled = false;
    for (const batch of this.#batches) {
      if (batch.state.type === 'downloaded') this.#batches[batch.plan.number] = { ...batch, isPast: true };
    }
  }

  #move(entry: BatchEntry): void {
    const batch = this.#batches[entry.batch];
    const next = batch === undefined ? null : nextState(batch.state, entry);
    if (batch === undefined || next === null) throw damage(entry);
    if (entry.type === 'sent') this.#claimed.add(entry.id);
    if (entry.type === 'not_sent' && 'id' in batch.state) this.#release(batch, batch.state.id);
    this.#set(entry.batch, next);
  }

  /** It may be that of another batch of ours, whose create went unanswered as well. */
  #release(batch: BatchRecord, id: string): void {
    this.#claimed.delete(id);
    this.#batches[batch.plan.number] = { ...batch, notOurs: [...batch.notOurs, id] };
  }

  #set(number: number, state: BatchState): void {
    this.#batches[number] = { ...(this.#batches[number] as BatchRecord), state };
  }
}

interface Finish {
  readonly atMs: number;
  readonly counts: FinalCounts | null;
}

const FRESH = { notOurs: [], isPast: false } as const satisfies Partial<BatchRecord>;

type BatchEntry = Extract<JournalEntry, { readonly batch: number }>;

/** What follows; null: nothing can. */
function nextState(state: BatchState, entry: BatchEntry): BatchState | null {
  switch (entry.type) {
    case 'sending':
      return state.type === 'planned' ? { type: 'sending', sinceMs: entry.atMs } : null;
    case 'sent': {
      if (state.type !== 'sending') return null;
      const { id, isAdopted } = entry;
      return { type: 'sent', id, isAdopted, sinceMs: state.sinceMs, createdAtMs: Date.parse(entry.createdAt) };
    }
    case 'not_sent':
      if (state.type === 'sending') return { type: 'planned' };
      // What was taken for it was another's: whether it was created is as unknown as before.
      return isUnproven(state) ? { type: 'sending', sinceMs: state.sinceMs } : null;
    case 'ended':
      return state.type === 'sent' ? { ...state, type: 'ended' } : null;
    case 'downloaded':
      return state.type === 'ended' ? { ...state, type: 'downloaded', bytes: entry.bytes } : null;
    default:
      return unreachable(entry);
  }
}

function isUnproven(state: BatchState): state is Extract<BatchState, { readonly type: 'sent' | 'ended' }> {
  return (state.type === 'sent' || state.type === 'ended') && state.isAdopted;
}

/** Replays a journal, oldest entry first. */
export function replay(entries: readonly JournalEntry[]): RunRecord {
  const record = new RunRecord();
  for (const entry of entries) record.add(entry);
  return record;
}

/** What it means for the run cannot be guessed. */
function newer(entry: unknown): JournalDamageError {
  return new JournalDamageError(
    `the run was kept by a newer version, which notes ${JSON.stringify(entry).slice(0, 200)}; take it up with that one`,
  );
}

function damage(entry: JournalEntry): JournalDamageError {
  return new JournalDamageError(
    `the run's journal is damaged: ${JSON.stringify(entry).slice(0, 200)} cannot follow what is before it; start the run anew`,
  );
}
