import { SettleRate, type Clock, type LedgerTotals, type Timer } from '@batchwright/core';
import type { MessageBatch } from '@batchwright/protocol';
import type { BatchRecord, RunRecord } from '../journal/run-record.ts';
import type { RequestTable } from './request-table.ts';
import type { BatchProgress, RunProgress } from './run-progress.ts';
import { SteadyPace } from './steady-pace.ts';

/** Nobody sees more often than this that something moved. */
const TELL_EVERY_MS = 200;

/** What is seen of a batch while it runs. */
interface Sight {
  readonly settled: number;
  readonly isCanceling: boolean;
}

/** Why nothing moves, and what helps, if anything is known to. */
interface Wait {
  readonly reason: string;
  readonly remedy: string | null;
}

/** How far a run is, as it goes, for whoever asks; nothing is decided by it but what money is to come. */
export class RunStatus {
  readonly #clock: Clock;
  #rate: SettleRate;
  readonly #pace = new SteadyPace();
  readonly #tell: (() => void) | null;
  #timer: Timer | null = null;
  #phase: RunProgress['phase'] = 'reading';
  #requests = 0;
  #sendingWaits: Wait | null = null;
  #callWaits: Wait | null = null;
  readonly #seen = new Map<number, Sight>();
  /** Results taken of batches that still run. */
  readonly #taken = new Map<number, number>();

  /** `tell` is called now and then while things move. */
  constructor(clock: Clock, tell: (() => void) | null) {
    this.#clock = clock;
    this.#rate = new SettleRate(clock.now());
    this.#tell = tell;
  }

  enter(phase: RunProgress['phase']): void {
    if (phase === 'running') this.#rate = new SettleRate(this.#clock.now());
    this.#phase = phase;
    this.moved();
  }

  /** Requests read so far. */
  read(requests: number): void {
    this.#requests = requests;
    this.moved();
  }

  /** A batch as the server shows it. */
  saw(number: number, { processing_status: status, request_counts: counts }: MessageBatch): void {
    const settled = counts.succeeded + counts.errored + counts.canceled + counts.expired;
    this.#seen.set(number, { settled, isCanceling: status === 'canceling' });
    this.moved();
  }

  /** Results of a batch that are here while it runs. */
  came(number: number, settled: number): void {
    this.#taken.set(number, settled);
    this.#seen.set(number, { settled, isCanceling: false });
    this.moved();
  }

  /** A request's fate is settled. What is found settled when a run is taken up says nothing of how fast it goes. */
  settled(): void {
    const nowMs = this.#clock.now();
    if (this.#phase === 'running') {
      this.#rate.settled(1, nowMs);
      this.#pace.settled(nowMs);
    }
    this.moved();
  }

  /** Why nothing is sent; null: nothing hinders. */
  sendingWaits(reason: string | null, remedy: string | null = null): void {
    this.#sendingWaits = reason === null ? null : { reason, remedy };
    this.moved();
  }

  /** What a call waits for; null: nothing. */
  callWaits(reason: string | null, remedy: string | null = null): void {
    this.#callWaits = reason === null ? null : { reason, remedy };
    this.moved();
  }

  /** The part of a batch's requests whose results were not taken yet. */
  shareToCome({ plan }: BatchRecord): number {
    return 1 - (this.#taken.get(plan.number) ?? 0) / plan.requests;
  }

  /** Tells once more in a while; what moves until then is told with it. */
  moved(): void {
    const tell = this.#tell;
    if (tell === null || this.#timer !== null) return;
    this.#timer = this.#clock.after(TELL_EVERY_MS, () => {
      this.#timer = null;
      tell();
    });
  }

  /** Tells a last time. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#tell?.();
  }

  /** Of what is known by now; null where that is nothing yet. */
  progress(record: RunRecord | null, table: RequestTable | null, totals: LedgerTotals): RunProgress {
    const requests = table?.count ?? this.#requests;
    const settled = table?.settledCount ?? 0;
    const perSecond = this.#phase === 'running' ? this.#rate.perSecond(this.#clock.now()) : 0;
    const remainingMs = perSecond > LEAST_RATE ? (1000 * (requests - settled)) / perSecond : null;
    const isForeseeable = settled >= requests * TELLING_SHARE || this.#pace.isSteady(this.#clock.now());
    const batches = (record?.batches ?? []).filter(({ state }) => state.type !== 'replaced');
    const waits = this.#sendingWaits ?? this.#callWaits;
    return {
      phase: this.#phase,
      requests,
      counts: table?.counts ?? NO_COUNTS,
      retrying: table?.retryingCount ?? 0,
      batches: batches.map((batch) => this.#batchProgress(batch)),
      resultsPerSecond: perSecond > LEAST_RATE ? perSecond : null,
      remainingMs: isForeseeable ? remainingMs : null,
      totals,
      expectedNanoUsd: expectedOf(batches),
      waitingFor: waits?.reason ?? null,
      remedy: waits?.remedy ?? null,
    };
  }

  #batchProgress({ plan, state }: BatchRecord): BatchProgress {
    const seen = this.#seen.get(plan.number);
    const isOver = state.type === 'ended' || state.type === 'downloaded';
    return {
      number: plan.number,
      id: 'id' in state ? state.id : null,
      state: shownState(state, seen?.isCanceling ?? false),
      wave: plan.wave,
      isLeading: plan.isLeading,
      requests: plan.requests,
      settled: isOver ? plan.requests : (seen?.settled ?? 0),
    };
  }
}

const NO_COUNTS = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
/** A result in some ten minutes; at less nobody can say anything. */
const LEAST_RATE = 0.002;
/** From here on the requests so far say something of the others. */
const TELLING_SHARE = 0.1;

function shownState(state: BatchRecord['state'], isCanceling: boolean): BatchProgress['state'] {
  switch (state.type) {
    case 'sent':
      return isCanceling ? 'canceling' : 'in_progress';
    case 'planned':
    case 'replaced':
      return 'planned';
    case 'sending':
    case 'ended':
    case 'downloaded':
      return state.type;
    default:
      return state satisfies never;
  }
}

function expectedOf(batches: readonly BatchRecord[]): number | null {
  let sum = 0;
  for (const { plan } of batches) {
    if (plan.expectedNanoUsd === null) return null;
    sum += plan.expectedNanoUsd;
  }
  return batches.length === 0 ? null : sum;
}
