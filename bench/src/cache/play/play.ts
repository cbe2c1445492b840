import {
  ConcurrencyLimit,
  FairShare,
  nextStep,
  PrefixWarmth,
  type Room,
  type Turn,
  type UpstreamAnswer,
} from '@batchwright/core';
import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import type { CacheRequest } from '@batchwright/simulator';
import type { Order, WarmthOf } from '../orders/order.ts';
import { Chance } from '../prompts/chance.ts';
import { BillTally } from './bill-tally.ts';
import { CallPace } from './call-pace.ts';
import { FixedPlaces, type Places } from './places.ts';
import { IdleWatch } from './idle-watch.ts';
import { EventQueue } from './event-queue.ts';
import { PromptMarkers } from './prompt-markers.ts';
import { SimulatedUpstream, type Fault, type UpstreamCall } from './simulated-upstream.ts';
import { Stopwatch } from './stopwatch.ts';
import type { Played, PlayedBatch, PlayedCall, PlayTerms } from './play-terms.ts';

/**
 * Plays batches against the simulated upstream in virtual time: C places, and whatever is ready goes as soon as one is
 * free. The order decides what goes; the upstream decides what that costs; here is only the clock between them.
 *
 * Invariant: while a request is queued, a call is in flight or a moment is named at which one may start; else the play
 * throws, because the order would have waited for ever.
 */
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
  readonly #places: Places;
  readonly #idle = new IdleWatch();
  #warmths = new Map<string, PrefixWarmth>();
  #pace: CallPace;
  /** How often everything was lost: what was under way before means nothing to what runs now. */
  #life = 0;
  #nowMs = 0;
  #endMs = 0;
  #retries = 0;
  #openAtRestart: number | null = null;

  constructor(terms: PlayTerms) {
    this.#terms = terms;
    this.#upstream = new SimulatedUpstream(terms.upstream);
    this.#tallies = terms.batches.map(() => new BillTally());
    this.#chance = new Chance(terms.seed ?? 1);
    this.#pace = new CallPace(terms.pace);
    const { concurrency: maximum, isAdaptive = false } = terms;
    this.#places = isAdaptive ? new ConcurrencyLimit({ maximum }) : new FixedPlaces(maximum);
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
      delayed: this.#idle.delayed,
      idleMs: this.#idle.idleMs,
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
    this.#idle.end(this.#nowMs);
    for (const running of this.#running) this.#refresh(running);
    while (this.#places.allows(this.#inFlight.size, this.#nowMs)) {
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
    const { limit: concurrency } = this.#places;
    const { firstByteMs, durationMs } = this.#pace;
    return { nowMs: this.#nowMs, idle: concurrency - this.#inFlight.size, concurrency, firstByteMs, durationMs };
  }

  #start(running: Running, turn: Turn): void {
    const { request } = turn;
    const { order, batch } = running;
    this.#idle.started(running.queuedMs[request]!);
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
    this.#retryLater(running, request, { type: 'rate_limited', retryAfterMs }, this.#nowMs);
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
      return this.#retryLater(running, request, answerOf(upstream.fault), call.startedMs);
    }
    const { bill } = upstream.turn;
    const usage = { readTokens: bill.readTokens, createdTokens: bill.write5mTokens + bill.write1hTokens };
    this.#reports.measure(() => running.order.ended(request, usage, this.#nowMs));
    this.#pace.ended(this.#nowMs - call.startedMs);
    this.#places.answered('succeeded', null, call.startedMs, this.#nowMs);
    this.#endMs = this.#nowMs;
    running.isDone[request] = 1;
    running.unanswered -= 1;
    if (running.unanswered === 0 && !running.isOver) this.#over(running);
  }

  #retryLater(running: Running, request: number, answer: FailedAnswer, startedMs: number): void {
    this.#retries += 1;
    const retryAfterMs = answer.type === 'broken' ? null : answer.retryAfterMs;
    this.#places.answered(answer.type, retryAfterMs, startedMs, this.#nowMs);
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
      if (this.#terms.isProven === true) prove(made, this.#terms.batches[0]?.plan ?? null);
      this.#warmths.set(scope, made);
      return made;
    };
  }

  get #queued(): number {
    return this.#running.reduce((sum, running) => sum + (running.isOver ? 0 : running.order.size), 0);
  }

  /** Where the upstream itself asked to wait, nobody is delayed by the order. */
  #noteIdle(): void {
    if (this.#nowMs < this.#places.heldUntilMs) return;
    this.#idle.begin(Math.min(this.#places.limit - this.#inFlight.size, this.#queued), this.#nowMs);
  }

  #wake(): void {
    if (this.#inFlight.size >= this.#places.limit || this.#queued === 0) return;
    const named = this.#running.map(({ order, isOver }) => (isOver ? null : order.nextWakeMs()));
    const { heldUntilMs } = this.#places;
    const isHeld = heldUntilMs > this.#nowMs;
    const wakeMs = isHeld ? heldUntilMs : Math.min(...named.map((atMs) => atMs ?? Number.POSITIVE_INFINITY));
    if (wakeMs >= this.#events.nextMs) return;
    if (wakeMs <= this.#nowMs) throw new Error(`at ${this.#nowMs} ms nothing was ready, though ${wakeMs} ms was named`);
    this.#events.push(wakeMs, { type: 'wake' });
  }

  #requireDone(): void {
    for (const { batch, unanswered, number } of this.#running) {
      if (unanswered > 0 && batch.cancelAtMs === undefined) {
        throw new Error(`batch ${number}: ${unanswered} requests still wait, and nothing is under way`);
      }
    }
  }
}

type FailedAnswer = Extract<UpstreamAnswer, { readonly type: 'rate_limited' | 'overloaded' | 'broken' }>;

/** No batch of these expires. */
const LATEST_MS = Number.MAX_SAFE_INTEGER;

function answerOf(fault: Fault): FailedAnswer {
  return fault === 'overloaded'
    ? { type: 'overloaded', retryAfterMs: null }
    : { type: 'broken', reason: 'the answer broke off' };
}

/** Teaches what a server knows that has run for a while: that a read hits. */
function prove(warmth: PrefixWarmth, plan: PlayedBatch['plan']): void {
  if (plan === null || plan.nodeCount === 0) return;
  const watcher = { stateChanged: () => {}, expiresSooner: () => {} };
  const prefixes = warmth.attach(plan, watcher);
  warmth.judgeRead(prefixes[0]!, { readTokens: plan.tokens[0]!, createdTokens: 0 }, 0, 0);
  warmth.detach(prefixes, watcher);
}
