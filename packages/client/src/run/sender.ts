/**
 * Sends the batches of a round, one after the other, each when what it reads was written, when there is room for it and
 * money left. What is noted before and after each create makes sure that nothing is submitted twice:
 *
 *     sending ─▶ create ─▶ sent
 *        │          └────▶ not_sent     refused, or not now
 *        └─ no answer, or none noted ─▶ looked for among the newest ─▶ sent, or not_sent
 */
import { unreachable, type Timer } from '@batchwright/core';
import type { BatchRecord, RunRecord } from '../journal/run-record.ts';
import type { CreateOutcome, ServiceError } from '../service/batch-service.ts';
import { cancelBatch } from './cancellation.ts';
import { mayFollow } from './followers-check.ts';
import { findLostBatch, mayLookFor } from './lost-create.ts';
import { cutInTwo } from './replanning.ts';
import type { RunState } from './run-state.ts';
import { afford, type OverBudget } from './spending.ts';
import { growingWait, seconds } from './service-calls.ts';

/** Why nothing more is sent. */
export type SendingEnd = { readonly type: 'over' } | { readonly type: 'detached' } | OverBudget;

/** Batches followed at once: each takes a connection, or its share of the calls. */
const MOST_UNDER_WAY = 100;
const UNDER_WAY: ReadonlySet<BatchRecord['state']['type']> = new Set(['sending', 'sent', 'ended']);
const FIRST_HOLD_MS = 5000;
const MOST_HOLD_MS = 5 * 60_000;
/** Who is not going to stay does not wait longer for a server that takes nothing now. */
const DETACHED_REFUSALS = 3;

type Next = { readonly type: 'send' | 'find'; readonly batch: BatchRecord } | { readonly type: 'wait' } | SendingEnd;

/** A time in which nothing is sent, since the server took nothing. */
interface Hold {
  isOver: boolean;
  /** Batches that had ended by then: with another one there may be room; null: the server said how long. */
  readonly overCount: number | null;
  readonly timer: Timer;
}

export class Sender {
  readonly #run: RunState;
  readonly #following: ReadonlySet<number>;
  readonly #follow: (batch: number) => void;
  #hold: Hold | null = null;
  #refusals = 0;

  /** `following`: batches whose results are on their way; `follow` begins with one more. */
  constructor(run: RunState, following: ReadonlySet<number>, follow: (batch: number) => void) {
    this.#run = run;
    this.#following = following;
    this.#follow = follow;
  }

  /** Resolves when all batches of the round are over, or nothing more may be sent. */
  async sendAll(): Promise<SendingEnd> {
    try {
      return await this.#sendUntilEnd();
    } finally {
      this.#hold?.timer.cancel();
    }
  }

  async #sendUntilEnd(): Promise<SendingEnd> {
    const { news, stop, settings } = this.#run;
    for (;;) {
      const seen = news.count;
      const next = this.#next();
      switch (next.type) {
        case 'send':
          if (await mayFollow(this.#run, next.batch)) await this.#send(next.batch);
          break;
        case 'find':
          await this.#find(next.batch);
          break;
        case 'wait':
          if (settings.detach && this.#mayLeave()) return { type: 'detached' };
          await news.after(seen, stop);
          break;
        default:
          return next;
      }
    }
  }

  #next(): Next {
    const { journal, settings } = this.#run;
    const { record } = journal;
    const lost = record.batches.find((batch) => batch.state.type === 'sending' && mayLookFor(this.#run, batch));
    if (lost !== undefined) return { type: 'find', batch: lost };
    const waiting = record.isCanceled ? [] : record.batches.filter(({ state }) => state.type === 'planned');
    const underWay = record.batches.filter((batch) => this.#isUnderWay(batch));
    if (waiting.length === 0) return underWay.length === 0 ? { type: 'over' } : { type: 'wait' };
    const ready = waiting.filter(({ plan }) => plan.after.every((number) => this.#isOver(record, number)));
    const [first] = ready;
    if (first === undefined || this.#isHeld()) return { type: 'wait' };
    const refusal = afford(this.#run, first, underWay);
    // Of those whose leaders were paid for, some may fit yet.
    const batch = refusal === null ? first : (cheapest(ready.filter(({ plan }) => plan.after.length > 0)) ?? first);
    const queued = underWay.reduce((sum, { plan }) => sum + plan.requests, 0);
    const hasRoom = queued + batch.plan.requests <= settings.queuedRequests && underWay.length < MOST_UNDER_WAY;
    if (!hasRoom && underWay.length > 0) return { type: 'wait' };
    if (refusal === null || (batch !== first && afford(this.#run, batch, underWay) === null))
      return { type: 'send', batch };
    // Those under way may come to less than was expected of them.
    return underWay.length === 0 ? refusal : { type: 'wait' };
  }

  /** One that cannot be looked for yet may be on the server, and takes room and money there. */
  #isUnderWay({ plan, state }: BatchRecord): boolean {
    return UNDER_WAY.has(state.type) || this.#following.has(plan.number);
  }

  /** Whether what a batch writes is written, and its results are taken; of one that was replaced, those in its place. */
  #isOver(record: RunRecord, number: number): boolean {
    const { state } = record.batch(number);
    if (state.type === 'replaced') return state.by.every((other) => this.#isOver(record, other));
    return state.type === 'downloaded' && !this.#following.has(number);
  }

  #isHeld(): boolean {
    if (this.#hold === null) return false;
    const { isOver, overCount } = this.#hold;
    if (!isOver && (overCount === null || this.#overCount() <= overCount)) return true;
    this.#hold.timer.cancel();
    this.#hold = null;
    this.#run.status.sendingWaits(null);
    return false;
  }

  #overCount(): number {
    return this.#run.journal.record.batches.filter(({ state }) => state.type === 'downloaded').length;
  }

  #mayLeave(): boolean {
    return this.#following.size === 0 && (this.#hold === null || this.#refusals >= DETACHED_REFUSALS);
  }

  async #send({ plan }: BatchRecord): Promise<void> {
    const { journal, planner, service, settings, stop } = this.#run;
    const body = await planner.body(plan);
    await journal.note({ type: 'sending', batch: plan.number });
    settings.reached('before_create');
    const outcome = await stop.during((signal) => service.create(body, signal));
    settings.reached('after_create');
    await this.#take(plan.number, outcome);
  }

  async #take(number: number, outcome: CreateOutcome): Promise<void> {
    const { journal, status } = this.#run;
    switch (outcome.type) {
      case 'created':
        await this.#sent(number, outcome.batch, false);
        return;
      case 'unknown':
        status.sendingWaits(`${outcome.error.brief}; looking whether batch ${number + 1} was created`);
        return;
      case 'not_now':
        await journal.note({ type: 'not_sent', batch: number, reason: outcome.error.message });
        this.#holdFor(outcome.error, outcome.retryAfterMs);
        return;
      case 'refused':
        await journal.note({ type: 'not_sent', batch: number, reason: outcome.error.message });
        await this.#refused(journal.record.batch(number), outcome.error);
        return;
      default:
        unreachable(outcome);
    }
  }

  /** Only size can be mended: everything else would be refused again. */
  async #refused(batch: BatchRecord, error: ServiceError): Promise<void> {
    if (error.status !== 413 || batch.plan.requests === 1) throw error;
    await cutInTwo(this.#run, batch);
  }

  #holdFor(error: ServiceError, retryAfterMs: number | null): void {
    const { settings, status, news, random } = this.#run;
    const waitMs = retryAfterMs ?? growingWait(this.#refusals, FIRST_HOLD_MS, MOST_HOLD_MS, random);
    this.#refusals += 1;
    const overCount = retryAfterMs === null ? this.#overCount() : null;
    // The timer's word counts, not the clock's, which stands still while it is set back.
    const timer = settings.clock.after(waitMs, () => {
      hold.isOver = true;
      news.tell();
    });
    const hold: Hold = { isOver: false, overCount, timer };
    this.#hold = hold;
    status.sendingWaits(`${error.brief}; next try in ${seconds(waitMs)}`, error.remedy);
  }

  async #find(batch: BatchRecord): Promise<void> {
    const { journal, status } = this.#run;
    const { number } = batch.plan;
    const sinceMs = batch.state.type === 'sending' ? batch.state.sinceMs : 0;
    const found = await findLostBatch(this.#run, batch, sinceMs);
    if (found === null) await journal.note({ type: 'not_sent', batch: number, reason: 'not among the newest batches' });
    else await this.#sent(number, found, true);
    status.sendingWaits(null);
  }

  async #sent(
    number: number,
    batch: { readonly id: string; readonly created_at: string; readonly expires_at: string },
    isAdopted: boolean,
  ): Promise<void> {
    const { journal, settings } = this.#run;
    this.#refusals = 0;
    const { id, created_at: createdAt, expires_at: expiresAt } = batch;
    await journal.note({ type: 'sent', batch: number, id, createdAt, expiresAt, isAdopted });
    settings.reached('sent');
    // It was asked for while the create was under way.
    if (journal.record.isCanceled) await cancelBatch(this.#run, journal.record.batch(number));
    if (!settings.detach) this.#follow(number);
  }
}

function cheapest(batches: readonly BatchRecord[]): BatchRecord | undefined {
  const cost = ({ plan }: BatchRecord): number => plan.expectedNanoUsd ?? Infinity;
  return batches.toSorted((a, b) => cost(a) - cost(b))[0];
}
