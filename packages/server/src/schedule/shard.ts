import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BackoffHeap,
  markersToAdd,
  REQUEST_STATES,
  RequestLedger,
  SettleRate,
  type Affinity,
  type BatchRecord,
  type Clock,
  type PlacedMarker,
  type PlacedPlan,
  type PrefixUsage,
  type PrefixWarmth,
  type RequestState,
  type RequestUse,
  type RequestOrder,
  type Room,
  type Timer,
  type Turn,
  type TurnReason,
} from '@batchwright/core';
import { microsecondsFromMs, type BatchId, type RequestCounts, type ResultType } from '@batchwright/protocol';
import type { Lease, LedgerCheckpoint } from '../catalog/catalog.ts';
import type { CommitPace } from '../results/commit-pace.ts';
import { ResultCommitter, type SettledRow } from '../results/result-committer.ts';
import { unstartedLine } from '../results/result-line.ts';
import type { ShardLedger } from '../results/shard-ledger.ts';
import type { Activity } from '../runtime/activity.ts';
import type { RequestLog, ResultLog, ResultRow } from '../spool/spool.ts';
import type { RunningBatch } from './running-batch.ts';
import type { ShardBudget } from './shard-budget.ts';
import { orderOf } from './shard-order.ts';

/**
 * One shard under this process's lease: which of its requests are pending, in flight, backing off or settled, and the
 * log their results go to. It answers "what next" for dispatch and takes back what became of it.
 *
 * Phases. `running` hands out requests. `closing` hands out none and settles as canceled or expired what has not started
 * and what comes back without an answer, since nobody would hand it out again. `given_up` hands out none and settles nothing: the process is leaving, or the lease is lost.
 */
export interface ShardOptions {
  readonly lease: Lease;
  readonly requests: RequestLog;
  readonly results: ResultLog;
  readonly plan: PlacedPlan;
  /** As of the last line in the log. */
  readonly bills: ShardLedger;
  readonly budget: ShardBudget;
  /** What is known of the upstream's cache, in the workspace of the batch; of each replica, where each has its own. */
  readonly warmths: readonly PrefixWarmth[];
  /** Which requests had best meet at one replica; null where there is one, or where all share a cache. */
  readonly affinity: Affinity | null;
  readonly clock: Clock;
  readonly pace: Clock;
  readonly commitPace: CommitPace;
  readonly activity: Activity;
  readonly events: ShardEvents;
}

export interface ShardEvents {
  /** Whether the shard has something to hand out has changed. */
  onReadiness(shard: Shard, ready: boolean): void;
  onSettled(shard: Shard, rows: readonly ResultRow[], syncSeconds: number, costNanoUsd: number): void;
  /** Every request is settled and durable. */
  onFinished(shard: Shard): void;
  /** The next request does not fit under the batch's budget. Told once for each budget. */
  onBudgetReached(shard: Shard): void;
  onBlocked(shard: Shard, cause: unknown, retryMs: number): void;
  onLost(shard: Shard): void;
}

type Phase = 'running' | 'closing' | 'given_up';
type Leftover = 'canceled' | 'expired';

/** Requests closed between two turns of the event loop: small enough to stall nobody, large enough to be quick. */
const CLOSE_SLICE = 2000;

export class Shard {
  readonly lease: Lease;
  readonly requests: RequestLog;
  readonly #ledger: RequestLedger;
  readonly #order: RequestOrder;
  readonly #backoff: BackoffHeap;
  readonly #committer: ResultCommitter;
  readonly #options: ShardOptions;
  readonly #rate: SettleRate;
  readonly #turns = new Map<TurnReason, number>();
  #batch: BatchRecord;
  #phase: Phase = 'running';
  /** What the unanswered become, once the shard is closing. */
  #leftover: Leftover = 'expired';
  #ready = false;
  #toldBudget = false;
  #wake: Timer | null = null;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ShardOptions) {
    const { count } = options.requests.index;
    this.#options = options;
    this.lease = options.lease;
    this.#batch = options.lease.batch;
    this.requests = options.requests;
    this.#ledger = new RequestLedger(count);
    this.#rate = new SettleRate(options.clock.now());
    this.#backoff = new BackoffHeap((request) => this.#ledger.state(request) === 'backing_off');
    this.#ledger.restore(options.results.settled.requests, options.results.settled.types);
    const isPending = (request: number): boolean => this.#ledger.isPending(request);
    this.#order = orderOf(options, isPending);
    this.#order.onReadiness = () => this.refresh();
    this.#committer = new ResultCommitter({
      log: options.results,
      pace: options.pace,
      commitPace: options.commitPace,
      activity: options.activity,
      events: {
        onDurable: (rows, syncSeconds) => this.#durable(rows, syncSeconds),
        onBlocked: (cause, retryMs) => options.events.onBlocked(this, cause, retryMs),
        onLost: () => options.events.onLost(this),
      },
    });
  }

  get id(): BatchId {
    return this.lease.batch.id;
  }

  get batch(): BatchRecord {
    return this.#batch;
  }

  /** The counters to show and checkpoint while the batch runs. */
  get runningCounts(): RequestCounts {
    return this.#ledger.runningCounts();
  }

  /** The exact counters, for the batch's end. */
  get finalCounts(): RequestCounts {
    return this.#ledger.counts();
  }

  /** What its results used and cost, for a checkpoint now. */
  get bills(): LedgerCheckpoint {
    return this.#options.bills.checkpoint(microsecondsFromMs(this.#options.clock.now()));
  }

  /** As last told. */
  get isReady(): boolean {
    return this.#ready;
  }

  get waitingForLeader(): number {
    return this.#order.waitingForLeader;
  }

  /** How it stands, to be shown. */
  details(): RunningBatch {
    const { budget } = this.#options;
    const states = REQUEST_STATES.map((state) => [state, this.#ledger.inState(state)]);
    return {
      states: Object.fromEntries(states) as Record<RequestState, number>,
      settledPerSecond: this.#rate.perSecond(this.#options.clock.now()),
      turns: new Map(this.#turns),
      waitingForLeader: this.waitingForLeader,
      openPrefixes: this.#order.openPrefixes,
      ledger: this.bills,
      budget: { reservedNanoUsd: budget.reservedNanoUsd, isExhausted: this.isPausedByBudget },
    };
  }

  get isPausedByBudget(): boolean {
    return this.#phase === 'running' && this.#options.budget.isExhausted;
  }

  get isFinished(): boolean {
    return this.#ledger.processing === 0;
  }

  /** Looks again whether there is something to hand out, and tells when that changed. */
  refresh(): void {
    // Also while held back: a moment of the schedule's that nobody lets pass would wake the shard at once, for ever.
    const hasReady = this.#phase === 'running' && this.#order.isReady(this.#options.clock.now());
    const isHeld = this.#committer.isCongested || this.#options.budget.isClosed;
    const ready = hasReady && !isHeld;
    if (!ready) this.#armWake();
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#options.events.onReadiness(this, ready);
  }

  /** Hands out the request to send now, or null. */
  take(room: Room): Turn | null {
    const turn = this.#phase === 'running' ? this.#order.take(room) : null;
    if (turn !== null) this.#handOut(turn);
    this.refresh();
    return turn;
  }

  #handOut(turn: Turn): void {
    this.#ledger.apply(turn.request, { type: 'dispatch' });
    this.#options.bills.taken(turn);
    this.#options.budget.handedOut(turn.request);
  }

  /** The markers that the plan adds to a request's prompt. */
  markersFor(request: number): readonly PlacedMarker[] {
    return markersToAdd(this.#options.plan, request);
  }

  /** What tells the upstream's replicas which of them a request belongs to; null: any. */
  affinityOf(request: number): number | null {
    return this.#options.affinity?.of(request) ?? null;
  }

  /** Whether the budget admits a request that is about to be sent; `isWarm` says that its prefix is to be read. */
  admits(request: number, params: Uint8Array, isWarm: boolean): boolean {
    const { budget, clock, events } = this.#options;
    const wasClosed = budget.isClosed;
    const isAdmitted = budget.reserve(request, params, isWarm, clock.now());
    if (wasClosed && !budget.isClosed) this.refresh();
    if (isAdmitted) return true;
    if (!this.#toldBudget) events.onBudgetReached(this);
    this.#toldBudget = true;
    return false;
  }

  /** The request's call goes out, for this reason. What was taken and held back is no turn. */
  callStarted(request: number, reason: TurnReason): void {
    this.#turns.set(reason, (this.#turns.get(reason) ?? 0) + 1);
    this.#order.started(request, this.#options.clock.now());
  }

  /** The call's answer has begun; `usage` is what it says it read from the cache and wrote to it, if it says so. */
  callAnswers(request: number, usage: PrefixUsage | null): void {
    this.#options.bills.answers(request, usage);
    this.#order.firstByte(request, usage, this.#options.clock.now());
  }

  /** The call is over, or never began; `usage` is null when it failed. Comes before what becomes of the request. */
  callOver(request: number, usage: PrefixUsage | null): void {
    this.#options.bills.answers(request, usage);
    this.#order.ended(request, usage, this.#options.clock.now());
    if (usage === null) this.#options.budget.release(request);
  }

  state(request: number): RequestState {
    return this.#ledger.state(request);
  }

  attempts(request: number): number {
    return this.#ledger.attempts(request);
  }

  customId(request: number): Uint8Array {
    return this.requests.index.customIds.of(request);
  }

  /** Puts a request's line on its way to the log, with what its answer used. It is settled once `onSettled` names it. */
  settle(request: number, type: ResultType, line: readonly Uint8Array[], use: RequestUse | null = null): void {
    this.#committer.append(request, type, line, use);
    this.refresh();
  }

  /** Back among the pending, as if it had not been handed out. */
  giveBack(request: number): void {
    if (this.#phase === 'closing') return this.#settleUnanswered(request);
    this.#ledger.apply(request, { type: 'give_back' });
    this.#order.push(request);
    this.refresh();
  }

  /** Pending again at `atMs`. */
  retryAt(request: number, atMs: number): void {
    if (this.#phase === 'closing') return this.#settleUnanswered(request);
    this.#ledger.apply(request, { type: 'retry_later' });
    this.#backoff.push(request, atMs);
    this.#armWake();
    // What it had reserved may let another go meanwhile.
    this.refresh();
  }

  /** Adopts what the catalog says of the batch now, after a cancel. */
  adopt(batch: BatchRecord): void {
    this.#batch = batch;
    if (this.#options.budget.adopt(batch)) this.#toldBudget = false;
  }

  /** Adopts another budget and nothing else, since a cancel may have come meanwhile; what it admits may go at once. */
  adoptBudget({ options }: BatchRecord): void {
    this.adopt({ ...this.#batch, options });
    this.refresh();
  }

  /** Hands out no more, and settles everything that is not in flight as `type`. Again is harmless. */
  async closeUnstarted(type: Leftover): Promise<void> {
    if (this.#phase !== 'running') return;
    this.#phase = 'closing';
    this.#leftover = type;
    this.#order.close();
    this.#wake?.cancel();
    this.refresh();
    const { count } = this.requests.index;
    for (let request = 0; request < count; request++) {
      const state = this.#ledger.state(request);
      if (state === 'pending' || state === 'backing_off') this.#settleUnanswered(request);
      if (request % CLOSE_SLICE === CLOSE_SLICE - 1) await nextTurn();
      if ((this.#phase as Phase) === 'given_up') return;
    }
  }

  /** Hands out no more and settles no more by itself; what was appended is written by `close`. */
  giveUp(): void {
    this.#phase = 'given_up';
    this.#order.close();
    this.#wake?.cancel();
    this.refresh();
  }

  async close(): Promise<void> {
    this.giveUp();
    await this.#committer.close();
    await this.requests.close();
  }

  /** The state moves only once the line is durable: until then `dispatched` keeps `closeUnstarted` from settling it again. */
  #settleUnanswered(request: number): void {
    this.settle(request, this.#leftover, unstartedLine(this.customId(request), this.#leftover));
  }

  #durable(rows: readonly SettledRow[], syncSeconds: number): void {
    const { bills, budget, clock, events } = this.#options;
    const nowMs = clock.now();
    let costNanoUsd = 0;
    for (const row of rows) {
      this.#ledger.apply(row.request, { type: 'settle', as: row.type });
      const cost = bills.add(row, nowMs);
      if (row.use === null) budget.release(row.request);
      else budget.settle(row.request, cost, row.use.outputTokens);
      costNanoUsd += cost;
    }
    this.#rate.settled(rows.length, nowMs);
    events.onSettled(this, rows, syncSeconds, costNanoUsd);
    this.refresh();
    if (this.isFinished) this.#options.events.onFinished(this);
  }

  /** One timer for all that only time can make ready: the earliest of the requests that back off, and of the schedule. */
  #armWake(): void {
    if (this.#phase !== 'running') return;
    const never = Number.POSITIVE_INFINITY;
    const atMs = Math.min(this.#backoff.nextAt() ?? never, this.#order.nextWakeMs() ?? never);
    if (atMs === this.#wakeAtMs) return;
    this.#wake?.cancel();
    this.#wakeAtMs = atMs;
    if (atMs === never) return;
    this.#wake = this.#options.clock.after(Math.max(0, atMs - this.#options.clock.now()), () => this.#wakeDue());
  }

  #wakeDue(): void {
    const now = this.#options.clock.now();
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    for (let request = this.#backoff.popDue(now); request !== null; request = this.#backoff.popDue(now)) {
      this.#ledger.apply(request, { type: 'backoff_elapsed' });
      this.#order.push(request);
    }
    this.refresh();
    this.#armWake();
  }
}
