import type { RequestCounts } from '@batchwright/protocol';

/**
 * What a run notes, each entry before or after one effect, so that whoever takes it up knows what may have happened.
 * Times are milliseconds since 1970; batches are numbered from 0 in the order they were planned.
 */
export type JournalEntry =
  | BegunEntry
  | { readonly type: 'prepared'; readonly atMs: number; readonly requests: number; readonly requestBytes: number }
  /**
   * Requests were put into batches; what is in each is in its `batch-N` log, synced before, as is what replaces requests.
   * They may take the place of batches that were not sent, as when their leaders failed or waited too long; one entry says
   * both, so that nobody is in two batches, and nobody in none.
   */
  | {
      readonly type: 'planned';
      readonly atMs: number;
      readonly round: number;
      readonly batches: readonly PlannedBatch[];
      /** Numbers of batches that are not to be sent any more. */
      readonly replaces: readonly number[];
    }
  /** A batch is about to be created. Without a later entry about it nobody knows whether it was. */
  | { readonly type: 'sending'; readonly atMs: number; readonly batch: number }
  | {
      readonly type: 'sent';
      readonly atMs: number;
      readonly batch: number;
      readonly id: string;
      readonly createdAt: string;
      readonly expiresAt: string;
      /** Found among the newest after a create without an answer; unproven until its results name our requests. */
      readonly isAdopted: boolean;
    }
  /** The batch is known not to exist: refused, or what was taken for it was another's. It may be sent again. */
  | { readonly type: 'not_sent'; readonly atMs: number; readonly batch: number; readonly reason: string }
  | { readonly type: 'ended'; readonly atMs: number; readonly batch: number; readonly counts: RequestCounts }
  /** Its results are in `results-N`, synced. */
  | { readonly type: 'downloaded'; readonly atMs: number; readonly batch: number; readonly bytes: number }
  /** Somebody asked for the run to stop for good: nothing more is sent. */
  | { readonly type: 'canceled'; readonly atMs: number }
  /** Everything is settled and, where there is an output, it was written. */
  | {
      readonly type: 'finished';
      readonly atMs: number;
      /** Absent in journals of versions that kept no requests of a finished run. */
      readonly counts?: FinalCounts;
    }
  /** A finished run goes on: what did not succeed until then is tried again. */
  | { readonly type: 'reopened'; readonly atMs: number };

/** What became of the requests of a finished run; where they do not add up, some were never sent. */
export interface FinalCounts {
  readonly requests: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  /** Of those that succeeded, the ones whose answer was not taken. */
  readonly rejected: number;
}

/** The first entry. */
export interface BegunEntry {
  readonly type: 'begun';
  /** Of the journal itself. */
  readonly format: 1;
  readonly atMs: number;
  /** What must be the same for the run to be taken up: the input and how requests are made of it, by name. */
  readonly identity: Readonly<Record<string, string>>;
}

/** Requests that are sent as one batch. */
export interface PlannedBatch {
  readonly number: number;
  /** Sent in the same wave: nobody in it can read what another of it writes. */
  readonly wave: number;
  /** Whether it holds leaders, and nobody else. */
  readonly isLeading: boolean;
  /** Batches that must be over before it goes, since it reads what they write. */
  readonly after: readonly number[];
  readonly requests: number;
  /** Of the body, markers included. */
  readonly bytes: number;
  /** Estimated tokens of its prompts. */
  readonly tokens: number;
  /** What it is expected to cost, in thousand-millionths of a dollar; null when a model has no known price. */
  readonly expectedNanoUsd: number | null;
}
