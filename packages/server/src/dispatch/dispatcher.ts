import {
  FairShare,
  type Clock,
  type ParamsError,
  type Pause,
  type Room,
  type Timer,
  type Turn,
  type UpstreamAnswer,
} from '@batchwright/core';
import { LIMITS, type BatchId, type RandomBytes } from '@batchwright/protocol';
import { editParams } from '@batchwright/scan';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { erroredLine, unstartedLine } from '../results/result-line.ts';
import type { Activity } from '../runtime/activity.ts';
import type { Shard } from '../schedule/shard.ts';
import { AnswerJudge } from './answer-judge.ts';
import { Attempt } from './attempt.ts';
import { CallHeaders } from './call-headers.ts';
import { CallPace } from './call-pace.ts';
import { InFlight, type InFlightEvents, type ShardInFlight } from './in-flight.ts';
import { OpenEnds } from './open-ends.ts';
import { PARAMS_TOO_LARGE, refusalOf } from './params-check.ts';
import type { StartUsage } from './streamed-message.ts';
import { StreamTrust } from './stream-trust.ts';
import { UpstreamGate } from './upstream-gate.ts';
import { COPIED_BODY_BYTES, type Upstream } from './upstream/upstream.ts';

/**
 * Runs requests on the upstream: asks fair share whose turn it is, keeps as many calls in flight as the concurrency
 * limit allows, and has each answer judged.
 *
 * An answer that cannot be judged, a request that cannot be read: each costs that request a retry or an errored row and
 * nobody else anything. Nothing here waits on one request before serving another.
 */
export interface DispatcherOptions {
  readonly upstream: Upstream;
  readonly isCacheShared: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: RandomBytes;
  readonly concurrency: number;
  readonly activity: Activity;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What the params of all calls in flight may hold in memory. Only huge requests, many at once, ever come near. */
const BYTES_IN_FLIGHT = 1024 * 1024 * 1024;

export class Dispatcher implements InFlightEvents {
  readonly #options: DispatcherOptions;
  readonly #gate: UpstreamGate;
  readonly #pace = new CallPace();
  readonly #streams = new StreamTrust();
  readonly #ends = new OpenEnds();
  readonly #judge: AnswerJudge;
  readonly #now: () => number;
  readonly #turns = new FairShare();
  readonly #shards = new Map<BatchId, ShardInFlight>();
  #inFlight = 0;
  #bytesInFlight = 0;
  #wake: Timer | null = null;
  #pumping = false;
  #started = false;
  #stopped = false;
  #drained: (() => void) | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#gate = new UpstreamGate(options.concurrency);
    this.#now = () => options.clock.now();
    const { upstream } = options;
    const [gate, pace, streams] = [this.#gate, this.#pace, this.#streams];
    this.#judge = new AnswerJudge({ ...options, upstreamName: upstream.name, gate, pace, streams });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get concurrencyLimit(): number {
    return this.#gate.concurrencyLimit;
  }

  /** How long calls take, from start to end, as an average that forgets. */
  get callDurationMs(): number {
    return this.#pace.durationMs;
  }

  /** Why nothing is dispatched although requests wait; empty when nothing holds them back. */
  get pauses(): readonly Pause[] {
    return this.#gate.pauses;
  }

  /** Nothing is sent before: what the last process left is opened sooner while no answers come in between. */
  start(): void {
    this.#started = true;
    this.#pumpSoon();
  }

  add(shard: Shard): void {
    this.#shards.set(shard.id, {
      shard,
      headers: new CallHeaders(shard.batch, this.#options),
      attempts: new Set(),
    });
    this.#turns.add(shard.batch.workspaceId, shard.id);
    // What happened while it was being opened may have made it ready before anybody here could be told.
    if (shard.isReady) this.setReady(shard, true);
  }

  /** The shard has, or no longer has, a request to hand out. */
  setReady(shard: Shard, ready: boolean): void {
    if (!this.#shards.has(shard.id)) return;
    this.#turns.setReady(shard.id, ready);
    if (ready) this.#pumpSoon();
  }

  remove(shard: Shard): void {
    if (!this.#shards.delete(shard.id)) return;
    this.#turns.remove(shard.id);
  }

  /** Ends the shard's calls in flight at once and settles their requests as `type`. */
  abort(shard: Shard, type: 'canceled' | 'expired'): void {
    this.#endAttempts(shard, (request) => shard.settle(request, type, unstartedLine(shard.customId(request), type)));
  }

  /** Ends only what holds a place in flight but was not sent yet: after a cancel, nothing new may go out. */
  abortUnsent(shard: Shard, type: 'canceled' | 'expired'): void {
    const unsent = (attempt: InFlight): boolean => attempt.call === null;
    this.#endAttempts(
      shard,
      (request) => shard.settle(request, type, unstartedLine(shard.customId(request), type)),
      unsent,
    );
  }

  /** Ends the shard's calls in flight at once; their requests are pending again. */
  recall(shard: Shard): void {
    this.#endAttempts(shard, (request) => shard.giveBack(request));
  }

  inFlightOf(shard: Shard): number {
    return this.#shards.get(shard.id)?.attempts.size ?? 0;
  }

  /** Dispatches nothing more. Resolves when no call is in flight. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.cancel();
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  firstByte(call: Attempt): void {
    this.#options.metrics.upstreamFirstByte((this.#now() - call.startedAtMs) / 1000);
  }

  /** Who waited for this prefix may go. */
  answers(attempt: InFlight, usage: StartUsage | null, call: Attempt): void {
    this.#pace.answered(this.#now() - call.startedAtMs);
    attempt.turn.shard.callAnswers(attempt.request, usage);
  }

  answered(attempt: InFlight, answer: UpstreamAnswer, call: Attempt | null, body?: Uint8Array): void {
    this.#free(attempt);
    this.#judge.conclude(attempt, answer, call, body);
    // Of a call that was cancelled, or goes on behind its answer, the upstream may have the body still.
    if (call?.hasEnded === true) this.#releaseParams(attempt);
    this.#pumpSoon();
  }

  #releaseParams({ turn, params }: InFlight): void {
    if (params !== null && params.byteLength <= COPIED_BODY_BYTES) turn.shard.requests.releaseParams(params);
  }

  /** Many shards may become ready in one turn of the event loop; one pump serves them all. */
  #pumpSoon(): void {
    if (this.#pumping || !this.#started || this.#stopped) return;
    this.#pumping = true;
    this.#options.activity.begin();
    setImmediate(() => {
      this.#pumping = false;
      this.#options.activity.end();
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#stopped && this.#turns.isAnyReady && this.#bytesInFlight < BYTES_IN_FLIGHT) {
      const nowMs = this.#now();
      if (!this.#gate.mayStart(this.#inFlight, nowMs)) return this.#lookAgain();
      const turn = this.#shards.get(this.#turns.next() as BatchId) as ShardInFlight;
      const next = turn.shard.take(this.#room(nowMs));
      if (next !== null) this.#start(turn, next);
      // It kept the turn to itself after all, and a probe that nobody takes would be lost.
      else if (this.#gate.isPaused) this.#gate.returnProbe(nowMs);
    }
  }

  #room(nowMs: number): Room {
    const { concurrencyLimit: concurrency } = this.#gate;
    const { firstByteMs, durationMs } = this.#pace;
    const idle = Math.max(1, concurrency - this.#inFlight);
    return { nowMs, idle, concurrency, firstByteMs, durationMs };
  }

  /** When only time stands in the way of the next call, sets the timer that looks again. */
  #lookAgain(): void {
    const { clock } = this.#options;
    const atMs = this.#gate.lookAgainAtMs(this.#inFlight, clock.now());
    if (atMs === null) return;
    this.#wake?.cancel();
    this.#wake = clock.after(Math.max(0, atMs - clock.now()), () => this.#pump());
  }

  #start(turn: ShardInFlight, { request, role, reason }: Turn): void {
    const bytes = turn.shard.requests.index.paramsBytes[request] as number;
    const leads = role === 'leader';
    const isWarm = role === 'follower' && reason !== 'not_worth_waiting';
    const attempt = new InFlight({ turn, request, bytes, reason, leads, isWarm, isProbe: this.#gate.isPaused }, this);
    turn.attempts.add(attempt);
    this.#inFlight++;
    this.#bytesInFlight += bytes;
    if (bytes > LIMITS.messageBodyBytes) return this.#refuse(attempt, PARAMS_TOO_LARGE);
    const params = turn.shard.requests.peekParams(request);
    if (params === null) void this.#options.activity.track(this.#readAndSend(attempt));
    else this.#trySend(attempt, params);
  }

  async #readAndSend(attempt: InFlight): Promise<void> {
    try {
      const params = await attempt.turn.shard.requests.readParams(attempt.request);
      if (attempt.isOver) return;
      if (this.#stopped) this.#giveBack(attempt);
      else this.#trySend(attempt, params);
    } catch (error) {
      if (!attempt.isOver) this.#unreadable(attempt, error);
    }
  }

  #giveBack(attempt: InFlight): void {
    this.#free(attempt);
    attempt.turn.shard.callOver(attempt.request, null);
    attempt.turn.shard.giveBack(attempt.request);
  }

  /** Not now: the place it held is another's. */
  #holdBack(attempt: InFlight): void {
    this.#giveBack(attempt);
    this.#pumpSoon();
  }

  #trySend(attempt: InFlight, params: Uint8Array): void {
    try {
      this.#send(attempt, params);
    } catch (error) {
      if (!attempt.isOver) this.#unreadable(attempt, error);
    }
  }

  /** The disk failed or its bytes changed: the request is tried again like one whose upstream broke, and the rest goes on. */
  #unreadable(attempt: InFlight, error: unknown): void {
    this.#options.log.error({ err: error, batchId: attempt.turn.shard.id }, 'reading a request failed');
    this.answered(attempt, { type: 'broken', reason: 'the request could not be read' }, null);
  }

  #send(attempt: InFlight, params: Uint8Array): void {
    const { shard, headers } = attempt.turn;
    const refusal = refusalOf(params, shard.batch.apiVersion, shard.requests.index.traits[attempt.request] ?? 0);
    if (refusal !== null) return this.#refuse(attempt, refusal);
    if (!shard.admits(attempt.request, params, attempt.isWarm)) return this.#holdBack(attempt);
    const { upstream, metrics } = this.#options;
    const answer = new Attempt(attempt, this.#now, this.#ends);
    attempt.call = answer;
    attempt.params = params;
    attempt.isStreamed = this.#mayStream(attempt);
    const body = this.#bodyOf(attempt, params);
    const affinity = shard.affinityOf(attempt.request);
    const callHeaders = headers.of(shard.requests.index.customIds, attempt.request, attempt.reason);
    shard.callStarted(attempt.request, attempt.reason);
    metrics.turned(attempt.reason);
    answer.started(
      upstream.call({ method: 'POST', path: '/v1/messages', headers: callHeaders, body, affinity }, answer),
    );
  }

  /** Every other try of a request is as the client asked for it: what fails because it is streamed fails once. */
  #mayStream({ turn: { shard }, request, leads }: InFlight): boolean {
    return leads && shard.attempts(request) % 2 === 1 && this.#streams.isGiven(this.#now());
  }

  /** The params as the client sent them, but for markers, and for a leader's being streamed: others wait for its start. */
  #bodyOf({ turn: { shard }, request, isStreamed: stream }: InFlight, params: Uint8Array): Uint8Array {
    const dropMarkers = shard.batch.options.markers === 'off';
    return editParams(params, { stream, dropMarkers, markers: shard.markersFor(request) });
  }

  /** Settles what no upstream need be asked about. */
  #refuse(attempt: InFlight, error: ParamsError): void {
    const { shard } = attempt.turn;
    this.#free(attempt);
    shard.callOver(attempt.request, null);
    shard.settle(attempt.request, 'errored', erroredLine(shard.customId(attempt.request), error, null));
    this.#pumpSoon();
  }

  #endAttempts(shard: Shard, after: (request: number) => void, which = (_attempt: InFlight): boolean => true): void {
    const turn = this.#shards.get(shard.id);
    if (turn === undefined) return;
    for (const attempt of turn.attempts) {
      if (!which(attempt)) continue;
      attempt.cancel();
      this.#free(attempt);
      shard.callOver(attempt.request, null);
      after(attempt.request);
    }
    this.#pumpSoon();
  }

  #free(attempt: InFlight): void {
    attempt.isOver = true;
    attempt.turn.attempts.delete(attempt);
    this.#inFlight--;
    this.#bytesInFlight -= attempt.bytes;
    // Else each request that is refused here would cost a paused upstream another wait.
    if (attempt.isProbe && attempt.call === null) this.#gate.returnProbe(this.#now());
    if (this.#inFlight === 0) this.#drained?.();
  }
}
