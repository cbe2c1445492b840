import type { PlacedPlan, PromptBlocks, UpstreamProfile } from '@batchwright/core';
import type { MakeOrder } from '../orders/order.ts';
import type { BillTally } from './bill-tally.ts';
import type { KnownPace } from './call-pace.ts';
import type { UpstreamTerms } from './simulated-upstream.ts';
import type { Stopwatch } from './stopwatch.ts';

/** A batch to play: whose it is, what it asks, and in which order. */
export interface PlayedBatch {
  readonly tenant: string;
  readonly prompts: PromptBlocks;
  /** Whose markers are added to the client's; null: nobody's. */
  readonly plan: PlacedPlan | null;
  readonly makeOrder: MakeOrder;
  readonly atMs?: number | undefined;
  /** Arrives when the batch of this number is over, instead. */
  readonly after?: number | undefined;
  readonly cancelAtMs?: number | undefined;
  readonly answerMs?: number | undefined;
  /** What tells the upstream's replicas which of them a request belongs to; absent: any. */
  readonly affinityOf?: ((request: number) => number | null) | undefined;
  /** The native batch that its requests are items of; their entries are then kept from one another. */
  readonly nativeBatch?: string | undefined;
}

/** What is played, and against what. */
export interface PlayTerms {
  readonly batches: readonly PlayedBatch[];
  readonly concurrency: number;
  /** Whether the places are found out as the server does, from 16 on, and given up when the upstream is overloaded. */
  readonly isAdaptive?: boolean | undefined;
  readonly profile: UpstreamProfile;
  readonly upstream: UpstreamTerms;
  readonly minimumTokens: number;
  /** Then everything that is not durable is lost, and all begins anew with what was not answered. */
  readonly restartAtMs?: number | undefined;
  /** The upstream caches by itself: every block counts as marked. */
  readonly cachesAll?: boolean | undefined;
  readonly seed?: number | undefined;
  /** Reads of the first batch's models were seen to hit before: nothing need be tried out. */
  readonly isProven?: boolean | undefined;
  /** What is known of the upstream's pace before the first call is over. */
  readonly pace?: KnownPace | undefined;
}

/** A call that was billed for. */
export interface PlayedCall {
  readonly batch: number;
  readonly request: number;
  readonly replica: number;
}

/** What came of it. */
export interface Played {
  readonly tallies: readonly BillTally[];
  /** Of each batch, how often each request was billed for, and how often it was answered. */
  readonly billed: readonly Uint8Array[];
  readonly answered: readonly Uint8Array[];
  readonly makespanMs: number;
  /** Requests that waited while a place was idle and the upstream would have taken them. */
  readonly delayed: number;
  /** Milliseconds of places idle meanwhile. */
  readonly idleMs: number;
  readonly retries: number;
  readonly decisions: Stopwatch;
  /** All the order was told or asked, decisions included. */
  readonly events: number;
  readonly eventsMs: number;
  /** Prefixes with requests waiting, led or about to be, when everything was lost; null where nothing was. */
  readonly openAtRestart: number | null;
  /** Where each call that was billed for went, if there are replicas. */
  readonly replicaOf: readonly PlayedCall[];
}
