/**
 * Puts the requests of a run into batches, and makes their bodies. Reads every line once to find what prompts share, and
 * once more those that get markers, since a body's length is told before it is sent.
 *
 * Invariant: a plan follows from the lines, the terms and what is warm alone; and a body is, but for markers, the lines as they came.
 */
import { assert, type PlacedMarker, type WaveBatch } from '@batchwright/core';
import type { PlannedBatch } from '../journal/journal-entry.ts';
import type { BatchBody } from '../service/batch-service.ts';
import type { RunStore } from '../store/run-store.ts';
import { arrange, type Arrangement } from './arrangement.ts';
import { readBatch, writeBatch, type BatchContents } from './batch-log.ts';
import { batchesBefore } from './batch-order.ts';
import { FRAME_BYTES } from './body-frame.ts';
import { editLine } from './line-edit.ts';
import { LineScan } from './line-scan.ts';
import { usedSets } from './marker-sets.ts';
import { plannedBody } from './planned-body.ts';
import type { ScannedRequests } from './scanned-parts.ts';
import {
  NO_LEADER,
  type BatchMembers,
  type Planner,
  type PlanScope,
  type PlanTerms,
  type RequestBook,
  type RoundPlan,
  type WarmPrefixes,
} from './planning.ts';

/**
 * Requests whose prompts are compared with each other, which takes some 200 bytes each for the time being. Of a larger run
 * each part leads its prefixes itself: memory stays what it is, and a prefix costs one more write for each million.
 */
const PLANNED_TOGETHER = 1_000_000;

export function createPlanner(
  book: RequestBook,
  store: RunStore,
  terms: PlanTerms,
  plannedTogether = PLANNED_TOGETHER,
): Planner {
  return new BookPlanner(book, store, terms, plannedTogether);
}

class BookPlanner implements Planner {
  readonly #book: RequestBook;
  readonly #store: RunStore;
  readonly #terms: PlanTerms;
  readonly #plannedTogether: number;
  /** A log is opened by one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(book: RequestBook, store: RunStore, terms: PlanTerms, plannedTogether: number) {
    this.#book = book;
    this.#store = store;
    this.#terms = terms;
    this.#plannedTogether = plannedTogether;
  }

  async plan(requests: Uint32Array | 'all', firstNumber: number, scope: PlanScope = {}): Promise<RoundPlan> {
    const numbers = requests === 'all' ? allOf(this.#book.count) : requests.toSorted();
    const batches: PlannedBatch[] = [];
    for (let from = 0; from < numbers.length; from += this.#plannedTogether) {
      const together = numbers.subarray(from, from + this.#plannedTogether);
      batches.push(...(await this.#planTogether(together, firstNumber + batches.length, scope)));
    }
    return { batches };
  }

  async #planTogether(
    numbers: Uint32Array,
    firstNumber: number,
    { warm = NOTHING_WARM, hasLeaders = true, signal }: PlanScope,
  ): Promise<readonly PlannedBatch[]> {
    const terms = hasLeaders ? this.#terms : ({ ...this.#terms, waves: 'off' } as const);
    const arrangement = arrange(await this.#scan(numbers, signal), terms, new Set(warm.keys()));
    const bytes = await this.#editedBytes(numbers, arrangement, signal);
    // Each request takes its comma too.
    const limit = this.#terms.limits.bytes - FRAME_BYTES;
    const waves = arrangement.cut({ limit, ofRequest: bytes.map((own) => own + 1) });
    const before = batchesBefore(waves, arrangement.leader);
    const batches: PlannedBatch[] = [];
    for (const [i, wave] of waves.entries()) {
      signal?.throwIfAborted();
      const contents = contentsOf(wave, numbers, bytes, arrangement, warm);
      const number = firstNumber + i;
      await this.#inTurn(() => writeBatch(this.#store, number, contents));
      const after = [
        ...batchesUsing(wave, arrangement, warm),
        ...(before[i] ?? []).map((batch) => firstNumber + batch),
      ];
      batches.push({ number, wave: wave.wave, isLeading: wave.isLeading, after, ...sumsOf(contents) });
    }
    return batches;
  }

  async without(batch: PlannedBatch, requests: Uint32Array, number: number): Promise<PlannedBatch> {
    const left = new Set(requests);
    const whole = await this.#contents(batch.number);
    const kept = Uint32Array.from(whole.requests.keys()).filter((at) => !left.has(whole.requests[at] as number));
    assert(kept.length > 0, () => `nothing is left of batch ${batch.number}`);
    const contents = pick(whole, kept);
    await this.#inTurn(() => writeBatch(this.#store, number, contents));
    return { ...batch, number, ...sumsOf(contents) };
  }

  async members(batch: number): Promise<BatchMembers> {
    const { requests, leaders, markerSet, markerSets } = await this.#contents(batch);
    return { requests, leaders, prefixSet: markerSet, prefixSets: markerSets.map(({ prefixes }) => prefixes) };
  }

  async body(batch: PlannedBatch): Promise<BatchBody> {
    const { placesMarkers, markers } = this.#terms;
    return plannedBody(this.#book, batch, await this.#contents(batch.number), placesMarkers ? null : { markers });
  }

  async #scan(numbers: Uint32Array, signal: AbortSignal | undefined): Promise<ScannedRequests> {
    const scan = new LineScan();
    for await (const lines of this.#book.lines(numbers, signal)) for (const line of lines) scan.add(line);
    return scan.finish();
  }

  /** What each line comes to with its markers edited. */
  async #editedBytes(numbers: Uint32Array, arrangement: Arrangement, signal?: AbortSignal): Promise<Uint32Array> {
    const { markers, dropsMarkers } = arrangement;
    const bytes = numbers.map((number) => this.#book.bytes(number));
    const addedTo = (request: number): readonly PlacedMarker[] =>
      markers.sets[markers.of[request] as number]?.markers ?? [];
    const edited = allOf(numbers.length).filter((request) => dropsMarkers || addedTo(request).length > 0);
    let at = 0;
    for await (const lines of this.#book.lines(
      edited.map((request) => numbers[request] as number),
      signal,
    )) {
      for (const line of lines) {
        const request = edited[at++] as number;
        bytes[request] = editLine(line, { dropMarkers: dropsMarkers, markers: addedTo(request) }).length;
      }
    }
    return bytes;
  }

  #contents(batch: number): Promise<BatchContents> {
    return this.#inTurn(() => readBatch(this.#store, batch));
  }

  #inTurn<Value>(action: () => Promise<Value>): Promise<Value> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

const NOTHING_WARM: WarmPrefixes = new Map();

function allOf(count: number): Uint32Array {
  return new Uint32Array(count).map((_, number) => number);
}

/** From a plan's numbers, which count the requests planned, to the book's. */
function contentsOf(
  { requests }: WaveBatch,
  numbers: Uint32Array,
  bytes: Uint32Array,
  { tokens, nanoUsd, leader, warm, markers, dropsMarkers }: Arrangement,
  uses: WarmPrefixes,
): BatchContents {
  const leaders = requests.map((request) => {
    const writer = leader[request] as number;
    return writer === -1 ? (uses.get(warm[request] as number)?.request ?? NO_LEADER) : (numbers[writer] as number);
  });
  const { of: markerSet, sets: markerSets } = usedSets(
    requests.map((request) => markers.of[request] as number),
    markers.sets,
  );
  return {
    requests: requests.map((request) => numbers[request] as number),
    leaders,
    bytes: requests.map((request) => bytes[request] as number),
    tokens: requests.map((request) => tokens[request] as number),
    nanoUsd: Float64Array.from(requests, (request) => nanoUsd[request] as number),
    markerSet,
    markerSets,
    dropsMarkers,
  };
}

/** Batches of before in which was used what members of this one read. */
function batchesUsing({ requests }: WaveBatch, { leader, warm }: Arrangement, uses: WarmPrefixes): readonly number[] {
  const batches = new Set<number>();
  for (const request of requests) {
    const use = leader[request] === -1 ? uses.get(warm[request] as number) : undefined;
    if (use !== undefined) batches.add(use.batch);
  }
  return [...batches].sort((a, b) => a - b);
}

function pick(contents: BatchContents, kept: Uint32Array): BatchContents {
  const some = (of: Uint32Array): Uint32Array => kept.map((at) => of[at] as number);
  const { of: markerSet, sets: markerSets } = usedSets(some(contents.markerSet), contents.markerSets);
  return {
    ...contents,
    requests: some(contents.requests),
    leaders: some(contents.leaders),
    bytes: some(contents.bytes),
    tokens: some(contents.tokens),
    nanoUsd: Float64Array.from(kept, (at) => contents.nanoUsd[at] as number),
    markerSet,
    markerSets,
  };
}

function sumsOf(contents: BatchContents): Pick<PlannedBatch, 'requests' | 'bytes' | 'tokens' | 'expectedNanoUsd'> {
  const expected = sum(contents.nanoUsd);
  return {
    requests: contents.requests.length,
    bytes: FRAME_BYTES + contents.requests.length + sum(contents.bytes),
    tokens: sum(contents.tokens),
    expectedNanoUsd: Number.isNaN(expected) ? null : expected,
  };
}

/** Sums may be larger than what is summed can hold. */
function sum(numbers: Uint32Array | Float64Array): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
