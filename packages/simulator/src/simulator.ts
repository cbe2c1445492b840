import { answerBatches, BATCHES_PATH } from './batches/batch-calls.ts';
import { NativeBatches } from './batches/native-batches.ts';
import type { CacheEntryView } from './cache/prompt-cache.ts';
import { ownerOf } from './cache/scope.ts';
import { Exchange, type SimulatorCall, type SimulatorEvents } from './exchange.ts';
import type { FaultEntry } from './faults/fault-book.ts';
import type { FaultRule } from './faults/fault-rule.ts';
import { Hasher } from './hash.ts';
import { Host, type CallInHand } from './host.ts';
import type { LedgerView } from './ledger/ledger.ts';
import { answerModels } from './models-call.ts';
import { answerCount, answerMessages } from './messages-call.ts';
import type { SimulatorOptions } from './options.ts';
import { DEFAULT_LOG_BODY_BYTES, DEFAULT_LOG_ENTRIES, RequestLog, type LoggedRequest } from './request-log.ts';

/**
 * A simulated upstream that speaks the Messages API: no key, no network, the same answers every time. Its time is the
 * clock's and its chance is the seed's, so a whole history can be replayed; with a virtual clock, in no time at all.
 */
export interface Simulator {
  /** Starts one exchange and answers a function that cancels it. Events come later, never before this returns. */
  handle(call: SimulatorCall, events: SimulatorEvents): () => void;
  addFaults(rules: readonly FaultRule[]): void;
  clearFaults(): void;
  faults(): readonly Readonly<FaultEntry>[];
  /** The latest requests, oldest first; with `after`, those whose number is greater. */
  requests(after?: number): readonly Readonly<LoggedRequest>[];
  /** What everything cost since the start or the last reset. */
  ledger(): LedgerView;
  /** What is cached now, under every scope. */
  cacheEntries(): readonly CacheEntryView[];
  /**
   * As new: no faults, no log, nothing cached, nothing billed, no batches, full buckets, ids from the start. Calls in
   * flight go on.
   */
  reset(): void;
  /** Gives up the native batches, so that nothing is left for the clock to do but what calls in flight wait for. */
  close(): void;
  now(): number;
  readonly inFlightCount: number;
  /** The most calls that were in flight at once. */
  readonly peakInFlight: number;
  /** Native batches that have not ended, and items of theirs under way. */
  readonly runningBatches: { readonly batches: number; readonly items: number };
}

export function createSimulator(options: SimulatorOptions): Simulator {
  return new SimulatedUpstream(options);
}

class SimulatedUpstream implements Simulator {
  readonly #host: Host;
  readonly #log: RequestLog;
  readonly #batches: NativeBatches;

  constructor(options: SimulatorOptions) {
    this.#host = new Host(options);
    this.#batches = new NativeBatches(this.#host, options.batches);
    const { entries = DEFAULT_LOG_ENTRIES, bodyBytes = DEFAULT_LOG_BODY_BYTES } = options.requestLog ?? {};
    this.#log = new RequestLog(entries, bodyBytes);
  }

  handle(call: SimulatorCall, events: SimulatorEvents): () => void {
    const host = this.#host;
    const arrival = host.arrivals++;
    const id = new Hasher(host.seed)
      .integer(arrival)
      .integer(call.body?.length ?? 0)
      .hex();
    const requestId = `req_sim_${id}`;
    const logged = this.#log.add(call, host.clock.now(), requestId);
    const exchange = new Exchange(events, host.clock, (over) => {
      host.left();
      logged.status = over.status;
      logged.outcome = over.outcome;
    });
    host.entered();
    route({ call, exchange, arrival, id, requestId, owner: ownerOf(call.headers), batch: null }, host, this.#batches);
    return () => exchange.cancel();
  }

  addFaults(rules: readonly FaultRule[]): void {
    this.#host.faultBook.add(rules);
  }

  clearFaults(): void {
    this.#host.faultBook.clear();
  }

  faults(): readonly Readonly<FaultEntry>[] {
    return this.#host.faultBook.entries();
  }

  requests(after = 0): readonly Readonly<LoggedRequest>[] {
    return this.#log.list(after);
  }

  reset(): void {
    this.#batches.reset();
    this.#host.reset();
    this.#log.clear();
  }

  close(): void {
    this.#batches.reset();
  }

  ledger(): LedgerView {
    return this.#host.ledger;
  }

  cacheEntries(): readonly CacheEntryView[] {
    return this.#host.cache.entries(this.#host.clock.now());
  }

  now(): number {
    return this.#host.clock.now();
  }

  get inFlightCount(): number {
    return this.#host.inFlightCount;
  }

  get peakInFlight(): number {
    return this.#host.peakInFlight;
  }

  get runningBatches(): Simulator['runningBatches'] {
    return { batches: this.#batches.unendedCount, items: this.#batches.runningCount };
  }
}

function route(hand: CallInHand, host: Host, batches: NativeBatches): void {
  const { method, path } = hand.call;
  const queryAt = path.indexOf('?');
  const place = queryAt < 0 ? path : path.slice(0, queryAt);
  const query = queryAt < 0 ? '' : path.slice(queryAt + 1);
  if (place === '/v1/messages' || place === '/v1/messages/count_tokens') {
    if (method !== 'POST') host.refuseProblem(hand, { type: 'method_not_allowed', method, path: place });
    else if (place === '/v1/messages') answerMessages(hand, host);
    else answerCount(hand, host);
  } else if (place === BATCHES_PATH || place.startsWith(`${BATCHES_PATH}/`)) {
    answerBatches(hand, host, batches, place, new URLSearchParams(query));
  } else if (place === '/v1/models' || place.startsWith('/v1/models/')) {
    if (method !== 'GET') host.refuseProblem(hand, { type: 'method_not_allowed', method, path: place });
    else answerModels(hand, host, place, new URLSearchParams(query));
  } else {
    host.refuseProblem(hand, { type: 'path_not_found', path: place });
  }
}
