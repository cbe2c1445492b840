import { leftoverResult, transitionBatch, type BatchEvent, type BatchRecord, type Timer } from '@batchwright/core';
import { microsecondsFromMs, type RequestCounts, type ResultType } from '@batchwright/protocol';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { runItem, unanswered, type ItemOutcome, type ItemTerms } from './batch-item.ts';
import type { BatchItem } from './create-body.ts';

/** How native batches are run. */
export interface NativeBatchOptions {
  /** How long a batch waits before any of its items is run. */
  readonly latencyMs: number;
  /** How many items of one batch run at once. */
  readonly parallelism: number;
}

export const DEFAULT_NATIVE_BATCHES: NativeBatchOptions = { latencyMs: 1000, parallelism: 100 };

/**
 * One native batch from its creation to its end. It waits, then runs its items in the order given, some at once; it has
 * ended when each has its line. Cancelled, it starts no more items; expired, it gives up those under way, too.
 */
export class BatchRun {
  readonly terms: ItemTerms;
  /** How long it waited; one that did not is worth asking for at once. */
  readonly latencyMs: number;
  readonly #host: Host;
  readonly #parallelism: number;
  readonly #onEnd: () => void;
  readonly #running = new Map<number, Exchange>();
  readonly #lines: string[] = [];
  readonly #tally: Record<ResultType, number> = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  readonly #expiry: Timer;
  #items: readonly BatchItem[];
  #started = 0;
  #start: Timer;
  #record: BatchRecord;

  constructor(
    record: BatchRecord,
    items: readonly BatchItem[],
    terms: ItemTerms,
    host: Host,
    options: NativeBatchOptions,
    onEnd: () => void,
  ) {
    this.terms = terms;
    this.latencyMs = options.latencyMs;
    this.#record = record;
    this.#items = items;
    this.#host = host;
    this.#parallelism = options.parallelism;
    this.#onEnd = onEnd;
    this.#start = host.clock.after(options.latencyMs, () => this.#goOn());
    this.#expiry = host.clock.after(record.expiresAtUs / 1000 - host.clock.now(), () => this.#expire());
  }

  get record(): BatchRecord {
    return this.#record;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** The results, once the batch has ended. */
  get results(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  /** Cancels, archives or ends, as the rules of batches have it. */
  apply(event: BatchEvent): void {
    const change = transitionBatch(this.#record, event, microsecondsFromMs(this.#host.clock.now()));
    if (change.type === 'changed') this.#record = change.batch;
  }

  cancel(): void {
    this.apply({ type: 'cancel_requested' });
    if (this.#record.status !== 'canceling') return;
    this.#start.cancel();
    this.#start = this.#host.clock.after(0, () => this.#goOn());
  }

  /** Forgotten by its host: nothing more happens. */
  stop(): void {
    this.#start.cancel();
    this.#expiry.cancel();
    for (const exchange of this.#running.values()) exchange.cancel();
    this.#running.clear();
  }

  #goOn(): void {
    if (this.#record.status === 'ended') return;
    while (this.#record.status === 'in_progress' && this.#running.size < this.#parallelism) {
      const item = this.#items[this.#started];
      if (item === undefined) break;
      this.#launch(item, this.#started++);
    }
    if (this.#running.size === 0) this.#end();
  }

  #launch(item: BatchItem, index: number): void {
    const exchange = runItem(item, this.terms, this.#host, (outcome) => {
      this.#running.delete(index);
      this.#settle(outcome);
      this.#goOn();
    });
    this.#running.set(index, exchange);
  }

  #settle({ type, line }: ItemOutcome): void {
    this.#tally[type] += 1;
    this.#lines.push(line);
  }

  #expire(): void {
    if (this.#record.status === 'ended') return;
    const type = leftoverResult(this.#record);
    for (const [index, exchange] of this.#running) {
      exchange.cancel();
      this.#settle(unanswered(this.#items[index]!, type));
    }
    this.#running.clear();
    this.#end();
  }

  /** Whatever was never started has its line, too. */
  #end(): void {
    const type = leftoverResult(this.#record);
    for (const item of this.#items.slice(this.#started)) this.#settle(unanswered(item, type));
    const counts: RequestCounts = { processing: 0, ...this.#tally };
    this.apply({ type: 'all_settled', counts });
    this.#start.cancel();
    this.#expiry.cancel();
    this.#items = [];
    this.#onEnd();
  }
}
