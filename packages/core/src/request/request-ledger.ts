import { RESULT_TYPES, type RequestCounts, type ResultType } from '@batchwright/protocol';
import { AssertionFailure } from '../assertion.ts';
import {
  REQUEST_STATE_CODES,
  REQUEST_STATES,
  transitionRequest,
  type RequestEvent,
  type RequestState,
  type RequestTransition,
} from './request-machine.ts';

/**
 * The requests of one shard: two bytes each, and counters kept as events are applied, so that nothing ever scans.
 * Invariant: the five counters sum to the number of requests, and no settled counter ever goes back.
 */
export class RequestLedger {
  readonly size: number;
  readonly #states: Uint8Array;
  readonly #attempts: Uint8Array;
  readonly #byState = new Uint32Array(REQUEST_STATES.length);
  readonly #byResult = new Uint32Array(RESULT_TYPES.length);
  #lastSettled: ResultType | null = null;

  /** All requests begin as pending. */
  constructor(size: number) {
    this.size = size;
    this.#states = new Uint8Array(size);
    this.#attempts = new Uint8Array(size);
    this.#byState[REQUEST_STATE_CODES.pending] = size;
  }

  state(request: number): RequestState {
    const code = this.#states[request];
    return code === undefined ? unknownRequest(request, this.size) : (REQUEST_STATES[code] as RequestState);
  }

  /** Whether it waits to be handed out; as `state`, for loops over a whole batch. */
  isPending(request: number): boolean {
    return this.#states[request] === REQUEST_STATE_CODES.pending;
  }

  /**
   * Settles what a log says is settled, in its order, as `apply` would: `types[i]`, an index of `RESULT_TYPES`, belongs to
   * `requests[i]`. In one pass over the arrays: half a million events took a start 50 ms.
   */
  restore(requests: Uint32Array, types: Uint8Array): void {
    const states = this.#states;
    const { settled } = REQUEST_STATE_CODES;
    let last = -1;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as number;
      const type = types[i] as number;
      const from = states[request];
      if (from === settled) continue;
      if (from === undefined) unknownRequest(request, this.size);
      states[request] = settled;
      add(this.#byState, from, -1);
      add(this.#byState, settled, 1);
      add(this.#byResult, type, 1);
      last = type;
    }
    this.#lastSettled = RESULT_TYPES[last] ?? this.#lastSettled;
  }

  /** How often the request was handed out and not given back; stays at 255 once there. */
  attempts(request: number): number {
    return this.#attempts[request] ?? 0;
  }

  /** Applies one event; an ignored one changes nothing. */
  apply(request: number, event: RequestEvent): RequestTransition {
    const from = this.state(request);
    const transition = transitionRequest(from, event.type);
    if (transition.type === 'ignored') return transition;
    this.#move(request, from, transition.state);
    if (event.type === 'dispatch') this.#countAttempt(request, 1);
    else if (event.type === 'give_back') this.#countAttempt(request, -1);
    else if (event.type === 'settle') this.#countResult(event.as);
    return transition;
  }

  /** How many requests are in a state. */
  inState(state: RequestState): number {
    return this.#byState[REQUEST_STATE_CODES[state]] ?? 0;
  }

  /** Requests not settled yet. */
  get processing(): number {
    return this.size - this.inState('settled');
  }

  /** The exact counters. */
  counts(): RequestCounts {
    const [succeeded = 0, errored = 0, canceled = 0, expired = 0] = this.#byResult;
    return { processing: this.processing, succeeded, errored, canceled, expired };
  }

  /**
   * The counters to show and to checkpoint while the batch runs: exact, but that the request that settled last counts as
   * processing until the batch has ended. Clients take `processing: 0` for "the results are there".
   */
  runningCounts(): RequestCounts {
    const counts = this.counts();
    if (counts.processing > 0 || this.#lastSettled === null) return counts;
    return { ...counts, processing: 1, [this.#lastSettled]: counts[this.#lastSettled] - 1 };
  }

  #move(request: number, from: RequestState, to: RequestState): void {
    this.#states[request] = REQUEST_STATE_CODES[to];
    add(this.#byState, REQUEST_STATE_CODES[from], -1);
    add(this.#byState, REQUEST_STATE_CODES[to], 1);
  }

  #countAttempt(request: number, change: 1 | -1): void {
    const attempts = this.attempts(request);
    // At the ceiling the true number is unknown, so it is not counted down from there either.
    if (attempts < MOST_ATTEMPTS) this.#attempts[request] = attempts + change;
  }

  #countResult(type: ResultType): void {
    add(this.#byResult, RESULT_TYPES.indexOf(type), 1);
    this.#lastSettled = type;
  }
}

/** As far as a byte counts; back-off stopped growing long before. */
const MOST_ATTEMPTS = 255;

function unknownRequest(request: number, size: number): never {
  throw new AssertionFailure(`request ${request} is not among ${size}`);
}

function add(counters: Uint32Array, index: number, change: 1 | -1): void {
  counters[index] = (counters[index] ?? 0) + change;
}
