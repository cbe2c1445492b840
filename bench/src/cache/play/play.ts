import {
  FairShare,
  nextStep,
  PrefixWarmth,
  type PlacedPlan,
  type PromptBlocks,
  type Room,
  type Turn,
  type UpstreamAnswer,
  type UpstreamProfile,
} from '@batchwright/core';
import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import type { CacheRequest } from '@batchwright/simulator';
import type { MakeOrder, Order, WarmthOf } from '../orders/order.ts';
import { Chance } from '../prompts/chance.ts';
import { BillTally } from './bill-tally.ts';
import { CallPace, type KnownPace } from './call-pace.ts';
import { EventQueue } from './event-queue.ts';
import { PromptMarkers } from './prompt-markers.ts';
import { SimulatedUpstream, type Fault, type UpstreamCall, type UpstreamTerms } from './simulated-upstream.ts';
import { Stopwatch } from './stopwatch.ts';

/**
 * Plays batches against the simulated upstream in virtual time: C places, and whatever is ready goes as soon as one is
 * free. The order decides what goes; the upstream decides what that costs; here is only the clock between them.
 *
 * Invariant: while a request is queued, a call is in flight or a moment is named at which one may start; else the play
 * throws, because the order would have waited for ever.
 */
export interface PlayedBatch {
  readonly tenant: string;
  readonly prompts: PromptBlocks;
  /** Whose markers are added to the client's; null: nobody's. */
  readonly plan: PlacedPlan | null;
  readonly makeOrder: MakeOrder;
  readonly atMs?: number;
  /** Arrives when the batch of this number is over, instead. */
  readonly after?: number;
  readonly cancelAtMs?: number;
  readonly answerMs?: number;
  /** What tells the upstream's replicas which of them a request belongs to; absent: any. */
  readonly affinityOf?: (request: number) => number | null;
  /** The native batch that its requests are items of; their entries are then kept from one another. */
  readonly nativeBatch?: string;
}

export interface PlayTerms {
  readonly batches: readonly PlayedBatch[];
  readonly concurrency: number;
  readonly profile: UpstreamProfile;
  readonly upstream: UpstreamTerms;
  readonly minimumTokens: number;
  /** Then everything that is not durable is lost, and all begins anew with what was not answered. */
  readonly restartAtMs?: number;
  /** The upstream caches by itself: every block counts as marked. */
  readonly cachesAll?: boolean;
  readonly seed?: number;
  /** What is known of the upstream's pace before the first call is over. */
  readonly pace?: KnownPace;
}

export interface PlayedCall {
  readonly batch: number;
  readonly request: number;
  readonly replica: number;
}

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

export function play(terms: PlayTerms): Played {
  return new Play(terms).run();
}

interface Running {
  readonly number: number;
  readonly id: BatchId;
  readonly batch: PlayedBatch;
  readonly markers: PromptMarkers;
  order: Order;
  readonly queuedMs: Float64Array;
  readonly attempts: Uint8Array;
  readonly isDone: Uint8Array;
  readonly billed: Uint8Array;
  unanswered: number;
  isOver: boolean;
}

interface Call {
  readonly running: Running;
  readonly turn: Turn;
  readonly upstream: UpstreamCall;
  readonly startedMs: number;
  isLost: boolean;
  sawFirstByte: boolean;
}

type Event =
  | { readonly type: 'arrive' | 'cancel'; readonly number: number }
  | { readonly type: 'first_byte' | 'end'; readonly call: Call }
  | { readonly type: 'retry'; readonly running: Running; readonly request: number; readonly life: number }
  | { readonly type: 'wake' | 'restart' };

class Play {
  readonly #terms: PlayTerms;
  readonly #upstream: SimulatedUpstream;
  readonly #events = new EventQueue<Event>();
  readonly #share = new FairShare();
  readonly #running: Running[] = [];
  readonly #byId = new Map<BatchId, Running>();
  readonly #tallies: BillTally[];
  readonly #inFlight = new Set<Call>();
  readonly #chance: Chance;
  readonly #decisions = new Stopwatch();
  readonly #reports = new Stopwatch();
  readonly #replicaOf: PlayedCall[] = [];
  #warmths = new Map<string, PrefixWarmth>();
  #pace: CallPace;
  /** How often everything was lost: what was under way before means nothing to what runs now. */
  #life = 0;
  #nowMs = 0;
  #endMs = 0;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  /** The last moment at which a place was idle and requests waited. */
  #waitedAtMs = Number.NEGATIVE_INFINITY;
  #idleSince: { readonly atMs: number; readonly places: number } | null = null;
  #idleMs = 0;
  #delayed = 0;
  #retries = 0;
  #openAtRestart: number | null = null;

  constructor(terms: PlayTerms) {
    this.#terms = terms;
    this.#upstream = new SimulatedUpstream(terms.upstream);
    this.#tallies = terms.batches.map(() => new BillTally());
    this.#chance = new Chance(terms.seed ?? 1);
    this.#pace = new CallPace(terms.pace);
  }

  run(): Played {
    this.#terms.batches.forEach(({ atMs = 0, after }, number) => {
      if (after === undefined) this.#events.push(atMs, { type: 'arrive', number });
    });
    if (this.#terms.restartAtMs !== undefined) this.#events.push(this.#terms.restartAtMs, { type: 'restart' });
    for (let due = this.#events.pop(); due !== null; due = this.#events.pop()) {
      this.#nowMs = due.atMs;
      this.#happen(due.event);
      if (this.#events.nextMs > this.#nowMs) this.#pump();
    }
    this.#requireDone();
    return {
      tallies: this.#tallies,
      billed: this.#running.map(({ billed }) => billed),
      answered: this.#running.map(({ isDone }) => isDone),
      makespanMs: this.#endMs,
      delayed: this.#delayed,
      idleMs: this.#idleMs,
      retries: this.#retries,
      decisions: this.#decisions,
      events: this.#decisions.count + this.#reports.count,
      eventsMs: this.#decisions.totalMs + this.#reports.totalMs,
      openAtRestart: this.#openAtRestart,
      replicaOf: this.#replicaOf,
    };
  }

  #happen(event: Event): void {
    switch (event.type) {
      case 'arrive':
        return this.#arrive(event.number);
      case 'cancel':
        return this.#cancel(event.number);
      case 'first_byte':
        return this.#firstByte(event.call);
      case 'end':
        return this.#end(event.call);
      case 'retry':
        if (event.life === this.#life) this.#push(event.running, event.request);
        return;
      case 'restart':
        return this.#restart();
      case 'wake':
        return;
      default:
        return event satisfies never;
    }
  }

  #arrive(number: number): void {
    const batch = this.#terms.batches[number]!;
    const { requestCount } = batch.prompts;
    const isDone = new Uint8Array(requestCount);
    const running: Running = {
      number,
      id: `msgbatch_${number}` as BatchId,
      batch,
      markers: new PromptMarkers(batch.prompts, batch.plan, this.#terms.cachesAll ?? false),
      order: batch.makeOrder(this.#warmthOf(batch.tenant), (request) => isDone[request] === 0),
      queuedMs: new Float64Array(requestCount).fill(this.#nowMs),
      attempts: new Uint8Array(requestCount),
      isDone,
      billed: new Uint8Array(requestCount),
      unanswered: requestCount,
      isOver: false,
    };
    this.#running[number] = running;
    this.#byId.set(running.id, running);
    this.#share.add(batch.tenant as WorkspaceId, running.id);
    if (batch.cancelAtMs !== undefined) this.#events.push(batch.cancelAtMs, { type: 'cancel', number });
  }

  #cancel(number: number): void {
    const running = this.#running[number]!;
    if (running.isOver) return;
    running.order.close();
    this.#over(running);
  }

  /** Whoever was to come after this batch comes now. */
  #over(running: Running): void {
    running.isOver = true;
    this.#share.remove(running.id);
    this.#terms.batches.forEach(({ after }, number) => {
      if (after === running.number) this.#events.push(this.#nowMs, { type: 'arrive', number });
    });
  }

  #pump(): void {
    this.#settleIdle();
    for (const running of this.#running) this.#refresh(running);
    while (this.#inFlight.size < this.#terms.concurrency && this.#nowMs >= this.#heldUntilMs) {
      const id = this.#share.next();
      if (id === null) break;
      const running = this.#byId.get(id)!;
      const turn = this.#decisions.measure(() => this.#decide(running));
      if (turn !== null) this.#start(running, turn);
      if (this.#running.length > 1) for (const each of this.#running) this.#refresh(each);
    }
    this.#noteIdle();
    this.#wake();
  }

  #decide(running: Running): Turn | null {
    const turn = running.order.take(this.#room());
    this.#refresh(running);
    return turn;
  }

  #refresh(running: Running | undefined): void {
    if (running === undefined || running.isOver) return;
    this.#share.setReady(running.id, running.order.isReady(this.#nowMs));
  }

  #room(): Room {
    const { concurrency } = this.#terms;
    const { firstByteMs, durationMs } = this.#pace;
    return { nowMs: this.#nowMs, idle: concurrency - this.#inFlight.size, concurrency, firstByteMs, durationMs };
  }

  #start(running: Running, turn: Turn): void {
    const { request } = turn;
    const { order, batch } = running;
    if (running.queuedMs[request]! <= this.#waitedAtMs) this.#delayed += 1;
    const admission = this.#upstream.start(
      {
        request: this.#cacheRequest(running, request),
        isLeader: turn.role === 'leader',
        affinity: batch.affinityOf?.(request) ?? null,
        answerMs: batch.answerMs,
      },
      this.#nowMs,
    );
    this.#reports.measure(() => order.started(request, this.#nowMs));
    running.attempts[request] = running.attempts[request]! + 1;
    if (admission.type === 'rate_limited') return this.#refused(running, request, admission.retryAfterMs);
    const { call: upstream } = admission;
    const call: Call = { running, turn, upstream, startedMs: this.#nowMs, isLost: false, sawFirstByte: false };
    this.#inFlight.add(call);
    if (upstream.firstByteAtMs !== null) this.#events.push(upstream.firstByteAtMs, { type: 'first_byte', call });
    else this.#events.push(upstream.endsAtMs, { type: 'end', call });
  }

  #cacheRequest(running: Running, request: number): CacheRequest {
    const { prompts, tenant, nativeBatch } = running.batch;
    const from = prompts.firstBlock[request]!;
    const to = prompts.firstBlock[request + 1]!;
    return {
      scope: nativeBatch === undefined ? tenant : `${tenant}/batch`,
      batch: nativeBatch ?? null,
      minimumTokens: this.#terms.minimumTokens,
      hashes: prompts.hash.subarray(from, to),
      tokens: prompts.tokens.subarray(from, to),
      markers: running.markers.of(request),
    };
  }

  /** The upstream said when to come back, and until then nobody else need ask. */
  #refused(running: Running, request: number, retryAfterMs: number): void {
    this.#reports.measure(() => running.order.ended(request, null, this.#nowMs));
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#nowMs + retryAfterMs);
    this.#retryLater(running, request, { type: 'rate_limited', retryAfterMs });
  }

  #firstByte(call: Call): void {
    if (call.isLost) return;
    const { running, turn, upstream } = call;
    call.sawFirstByte = true;
    this.#upstream.firstByte(upstream, this.#nowMs);
    const { bill } = upstream.turn;
    this.#tallies[running.number]!.add(upstream.turn);
    running.billed[turn.request] = running.billed[turn.request]! + 1;
    if ((this.#terms.upstream.replicas ?? 1) > 1) {
      this.#replicaOf.push({ batch: running.number, request: turn.request, replica: upstream.replica });
    }
    this.#pace.answered(this.#nowMs - call.startedMs);
    const usage = { readTokens: bill.readTokens, createdTokens: bill.write5mTokens + bill.write1hTokens };
    this.#reports.measure(() => running.order.firstByte(turn.request, usage, this.#nowMs));
    this.#events.push(upstream.endsAtMs, { type: 'end', call });
  }

  #end(call: Call): void {
    if (call.isLost) return;
    const { running, turn, upstream } = call;
    const { request } = turn;
    this.#inFlight.delete(call);
    this.#upstream.end(upstream, call.sawFirstByte, this.#nowMs);
    if (upstream.fault !== null) {
      this.#reports.measure(() => running.order.ended(request, null, this.#nowMs));
      return this.#retryLater(running, request, answerOf(upstream.fault));
    }
    const { bill } = upstream.turn;
    const usage = { readTokens: bill.readTokens, createdTokens: bill.write5mTokens + bill.write1hTokens };
    this.#reports.measure(() => running.order.ended(request, usage, this.#nowMs));
    this.#pace.ended(this.#nowMs - call.startedMs);
    this.#endMs = this.#nowMs;
    running.isDone[request] = 1;
    running.unanswered -= 1;
    if (running.unanswered === 0 && !running.isOver) this.#over(running);
  }

  #retryLater(running: Running, request: number, answer: UpstreamAnswer): void {
    this.#retries += 1;
    const step = nextStep(answer, running.attempts[request]!, this.#nowMs, LATEST_MS, this.#chance.unit());
    if (step.type !== 'retry') throw new Error(`a ${answer.type} answer was not to be tried again`);
    this.#events.push(step.atMs, { type: 'retry', running, request, life: this.#life });
  }

  #push(running: Running, request: number): void {
    if (running.isOver) return;
    running.queuedMs[request] = this.#nowMs;
    this.#reports.measure(() => running.order.push(request));
  }

  /** kill -9: calls in flight are lost, and so is everything that was known of the cache. */
  #restart(): void {
    this.#openAtRestart = [...this.#warmths.values()].reduce((sum, { openGroups }) => sum + openGroups, 0);
    this.#life += 1;
    for (const call of this.#inFlight) {
      call.isLost = true;
      this.#upstream.end(call.upstream, call.sawFirstByte, this.#nowMs);
    }
    this.#inFlight.clear();
    this.#warmths = new Map();
    this.#pace = new CallPace();
    for (const running of this.#running) {
      if (running.isOver) continue;
      const { batch, isDone } = running;
      running.order = batch.makeOrder(this.#warmthOf(batch.tenant), (request) => isDone[request] === 0);
      running.queuedMs.fill(this.#nowMs);
    }
  }

  /** Of a tenant, and of a replica where each has a cache of its own. */
  #warmthOf(tenant: string): WarmthOf {
    return (replica) => {
      const scope = `${tenant} ${replica}`;
      const known = this.#warmths.get(scope);
      if (known !== undefined) return known;
      const made = new PrefixWarmth(this.#terms.profile);
      this.#warmths.set(scope, made);
      return made;
    };
  }

  get #queued(): number {
    return this.#running.reduce((sum, running) => sum + (running.isOver ? 0 : running.order.size), 0);
  }

  /** Where the upstream itself asked to wait, nobody is delayed by the order. */
  #noteIdle(): void {
    const places = Math.min(this.#terms.concurrency - this.#inFlight.size, this.#queued);
    if (places <= 0 || this.#nowMs < this.#heldUntilMs) return;
    this.#waitedAtMs = this.#nowMs;
    this.#idleSince = { atMs: this.#nowMs, places };
  }

  #settleIdle(): void {
    if (this.#idleSince === null) return;
    this.#idleMs += this.#idleSince.places * (this.#nowMs - this.#idleSince.atMs);
    this.#idleSince = null;
  }

  #wake(): void {
    if (this.#inFlight.size >= this.#terms.concurrency || this.#queued === 0) return;
    const named = this.#running.map(({ order, isOver }) => (isOver ? null : order.nextWakeMs()));
    const soonest = Math.min(...named.map((atMs) => atMs ?? Number.POSITIVE_INFINITY));
    const wakeMs = Math.max(soonest, this.#heldUntilMs);
    const held = this.#heldUntilMs > this.#nowMs ? this.#heldUntilMs : wakeMs;
    if (held === Number.POSITIVE_INFINITY || held === Number.NEGATIVE_INFINITY || held >= this.#events.nextMs) return;
    if (held <= this.#nowMs) throw new Error(`at ${this.#nowMs} ms nothing was ready, though ${held} ms was named`);
    this.#events.push(held, { type: 'wake' });
  }

  #requireDone(): void {
    for (const { batch, unanswered, number } of this.#running) {
      if (unanswered > 0 && batch.cancelAtMs === undefined) {
        throw new Error(`batch ${number}: ${unanswered} requests still wait, and nothing is under way`);
      }
    }
  }
}

/** No batch of these expires. */
const LATEST_MS = Number.MAX_SAFE_INTEGER;

function answerOf(fault: Fault): UpstreamAnswer {
  return fault === 'overloaded'
    ? { type: 'overloaded', retryAfterMs: null }
    : { type: 'broken', reason: 'the answer broke off' };
}
