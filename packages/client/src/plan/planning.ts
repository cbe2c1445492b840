import type { MarkerMode, ModelTable } from '@batchwright/core';
import type { PlannedBatch } from '../journal/journal-entry.ts';
import type { BatchBody } from '../service/batch-service.ts';

/** How requests are put into batches. */
export interface PlanTerms {
  /** `auto`: leaders go a wave before those who read what they write; `off`: all at once. A Batchwright needs no waves. */
  readonly waves: 'auto' | 'off';
  readonly markers: MarkerMode;
  /** Whether markers are placed here, as for the hosted API; else the server is asked to. */
  readonly placesMarkers: boolean;
  /** What a wave less is worth, in tokens at the price of input; 0: nothing. */
  readonly latencyTokens: number;
  readonly limits: BatchSize;
  readonly models: ModelTable;
  /** Whether the API gives the batch discount. */
  readonly hasBatchDiscount: boolean;
  /** Prices change: when the run is. */
  readonly atMs: number;
}

/** The most that a batch may hold. */
export interface BatchSize {
  readonly requests: number;
  /** Of the body. */
  readonly bytes: number;
  /** Estimated, of all prompts; Infinity: no bound. */
  readonly tokens: number;
}

/** The requests of a run, which lie in its `requests` log, by number from 0 in the order they came. */
export interface RequestBook {
  readonly count: number;
  /** The number of a custom_id; -1: not of this run (but for one in ten thousand million of those that are not). */
  find(customId: string): number;
  /** Bytes of its line, without the line's end. */
  bytes(request: number): number;
  line(request: number): Promise<Uint8Array>;
  /** Many lines, in the order of `requests`, some at a time; what it reads at once is bounded. */
  lines(requests: Uint32Array | 'all', signal?: AbortSignal): AsyncIterable<readonly Uint8Array[]>;
  /**
   * What to send instead from now on: the same custom_id with other params. Durable once `sync` resolves. The bodies of
   * batches that were planned with the line before can no longer be made.
   */
  replace(request: number, line: Uint8Array): Promise<void>;
  /** Whether a request was ever replaced, in this process or one before. */
  isReplaced(request: number): boolean;
  /** Makes replacements durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Who goes in a batch. */
export interface BatchMembers {
  /** In the order they are sent. */
  readonly requests: Uint32Array;
  /** For each, the request that writes what it reads, in a batch before; NO_LEADER: none. */
  readonly leaders: Uint32Array;
  /** For each, which of `prefixSets`. */
  readonly prefixSet: Uint32Array;
  /** Identities of the prefixes that a request of each has written or read for an hour, once it has succeeded. */
  readonly prefixSets: readonly (readonly number[])[];
}

export const NO_LEADER = 0xffff_ffff;

/** Prefixes that are cached, by identity, each with a request that used it last, and the batch in which it did. */
export type WarmPrefixes = ReadonlyMap<number, { readonly request: number; readonly batch: number }>;

/** What a plan of some requests may count on. */
export interface PlanScope {
  /** Who reads one of these waits for nobody, and has the request that used it for a leader. */
  readonly warm?: WarmPrefixes;
  /** False: nobody leads, and nobody waits. */
  readonly hasLeaders?: boolean;
  readonly signal?: AbortSignal;
}

/** What a set of requests will come to; see `PlannedBatch` for each batch. Waves are counted from 0 in each plan. */
export interface RoundPlan {
  readonly batches: readonly PlannedBatch[];
}

/** Puts requests into batches and makes their bodies. Whatever is in a `batch-N` log is durable when a plan is answered. */
export interface Planner {
  /** Plans some requests of the book, or all; batches are numbered from `firstNumber`. */
  plan(requests: Uint32Array | 'all', firstNumber: number, scope?: PlanScope): Promise<RoundPlan>;
  /** A batch anew without some of its members, as when nobody wrote what they would read; who stays keeps its markers. */
  without(batch: PlannedBatch, requests: Uint32Array, number: number): Promise<PlannedBatch>;
  members(batch: number): Promise<BatchMembers>;
  body(batch: PlannedBatch): Promise<BatchBody>;
}
