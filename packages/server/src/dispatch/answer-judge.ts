import {
  nextStep,
  type Clock,
  type NextStep,
  type PrefixUsage,
  type RequestUse,
  type UpstreamAnswer,
  type UpstreamError,
} from '@batchwright/core';
import { makeId, type RandomBytes } from '@batchwright/protocol';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { batchMessage, type BatchMessage } from '../results/batch-message.ts';
import { erroredLine, succeededLine } from '../results/result-line.ts';
import type { Attempt } from './attempt.ts';
import type { CallPace } from './call-pace.ts';
import type { InFlight } from './in-flight.ts';
import type { StreamTrust } from './stream-trust.ts';
import type { UpstreamGate } from './upstream-gate.ts';

/**
 * Judges what came of a call: learns from it how the upstream fares, and gives the request back to its shard settled, for
 * a later retry, or as if it had not been handed out.
 *
 * Invariant: of each call that is over, the shard has its request back exactly once, whatever fails in here.
 */
export interface AnswerJudgeOptions {
  /** Of the upstream, for the log. */
  readonly upstreamName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: RandomBytes;
  readonly gate: UpstreamGate;
  readonly pace: CallPace;
  readonly streams: StreamTrust;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** A failing upstream is worth a warning this often, however many requests it fails. */
const WARNING_INTERVAL_MS = 60_000;
/** A wait that somebody who looks at a batch which stands still should find in the log. */
const LONG_WAIT_MS = 60_000;

export class AnswerJudge {
  readonly #options: AnswerJudgeOptions;
  #warningDueMs = Number.NEGATIVE_INFINITY;
  /** The end of the longest wait that was told. */
  #toldWaitUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: AnswerJudgeOptions) {
    this.#options = options;
  }

  /** An attempt is over: settle, retry later, or pause the upstream. `call` is null when nothing was sent. */
  conclude(attempt: InFlight, answer: UpstreamAnswer, call: Attempt | null, body?: Uint8Array): void {
    try {
      this.#conclude(attempt, answer, call, body);
    } catch (error) {
      // A request that nobody holds would keep its batch from ever ending.
      this.#options.log.error({ err: error, batchId: attempt.turn.shard.id }, 'judging an answer failed');
      attempt.turn.shard.callOver(attempt.request, null);
      const step = this.#judge(attempt, { type: 'broken', reason: 'the answer could not be judged' });
      if (step.type === 'retry') attempt.turn.shard.retryAt(attempt.request, step.atMs);
    }
  }

  /** Whatever becomes of the request, the shard has it back in the last step and not before: until then all may fail. */
  #conclude(attempt: InFlight, answer: UpstreamAnswer, call: Attempt | null, body?: Uint8Array): void {
    const message = answer.type === 'succeeded' ? batchMessage(body as Uint8Array) : null;
    const judged = answer.type === 'succeeded' && message === null ? NO_MESSAGE : answer;
    if (call !== null) this.#learn(judged, call);
    if (attempt.isStreamed && call !== null) this.#learnOfStreams(judged, call);
    attempt.turn.shard.callOver(attempt.request, message === null ? null : cacheUse(message.usage));
    if (message !== null) return this.#succeed(attempt, message);
    // The stream was our idea: a request is not the client's mistake until it was refused without.
    const isOurs = attempt.isStreamed && judged.type === 'rejected';
    const step = this.#judge(attempt, isOurs ? REFUSED_STREAM : judged);
    if (step.type === 'pause') this.#pause(attempt, step);
    else if (step.type === 'retry') this.#retry(attempt, step.atMs, judged);
    else if (step.as === 'errored') this.#reject(attempt, step);
  }

  #learnOfStreams({ type }: UpstreamAnswer, call: Attempt): void {
    if (type === 'succeeded') this.#options.streams.served();
    else if (call.status !== null && (type === 'rejected' || type === 'broken')) {
      this.#options.streams.failed(this.#options.clock.now());
    }
  }

  #learn(answer: UpstreamAnswer, call: Attempt): void {
    const { clock, metrics, gate, pace } = this.#options;
    const now = clock.now();
    metrics.upstreamAnswered(answer.type, (now - call.startedAtMs) / 1000);
    gate.learn(answer, call.headers, call.startedAtMs, now);
    if (answer.type === 'succeeded') pace.ended(now - call.startedAtMs);
    else if (answer.type === 'broken' || answer.type === 'timed_out') this.#warn(answer, call.status, now);
    else if (answer.type === 'rate_limited' || answer.type === 'overloaded') this.#tellOfWait(answer, now);
  }

  /** Without it a wrong base URL would fail in silence for a day. An upstream's own words may quote a prompt and stay out. */
  #warn(answer: UpstreamAnswer, status: number | null, now: number): void {
    if (now < this.#warningDueMs) return;
    this.#warningDueMs = now + WARNING_INTERVAL_MS;
    const { log, upstreamName: upstream } = this.#options;
    const reason = answer.type === 'broken' && (status === null || status === 200) ? answer.reason : undefined;
    log.warn(
      { upstream, answer: answer.type, status: status ?? undefined, reason },
      'upstream gave no answer of use; requests wait and are tried again',
    );
  }

  /** Nothing is sent until then, which may be hours, and looks like a server that hangs. Told once for all who hear it. */
  #tellOfWait({ type, retryAfterMs }: Waiting, now: number): void {
    if (retryAfterMs === null || retryAfterMs < LONG_WAIT_MS) return;
    const untilMs = now + retryAfterMs;
    // Calls that were in flight together are told to come back at the same time, give or take their own.
    if (untilMs <= this.#toldWaitUntilMs + LONG_WAIT_MS) return;
    this.#toldWaitUntilMs = untilMs;
    const { log, upstreamName: upstream } = this.#options;
    log.warn(
      { upstream, answer: type, delayMs: retryAfterMs },
      'upstream asks for a long wait; nothing is sent to it until then',
    );
  }

  #retry(attempt: InFlight, atMs: number, answer: UpstreamAnswer): void {
    const { metrics, log } = this.#options;
    metrics.retried();
    log.debug({ batchId: attempt.turn.shard.id, answer: answer.type }, 'request will be tried again');
    attempt.turn.shard.retryAt(attempt.request, atMs);
  }

  #succeed(attempt: InFlight, { pieces, usage }: BatchMessage): void {
    const { shard } = attempt.turn;
    this.#count(usage);
    shard.settle(attempt.request, 'succeeded', succeededLine(shard.customId(attempt.request), pieces), usage);
  }

  #count(usage: RequestUse): void {
    const { metrics } = this.#options;
    metrics.tokens('input', usage.inputTokens);
    metrics.tokens('output', usage.outputTokens);
    metrics.tokens('cache_creation_5m', usage.write5mTokens);
    metrics.tokens('cache_creation_1h', usage.write1hTokens);
    metrics.tokens('cache_read', usage.readTokens);
  }

  #reject(attempt: InFlight, step: Extract<NextStep, { readonly as: 'errored' }>): void {
    const { shard } = attempt.turn;
    // The API names failures during execution `workerreq_…`; an upstream's own id goes to the log, not to the client.
    const requestId = isFoundBeforeExecution(step.error) ? null : makeId('executionRequest', this.#options.randomBytes);
    this.#options.log.debug({ batchId: shard.id, requestId: step.requestId ?? undefined }, 'request rejected');
    shard.settle(attempt.request, 'errored', erroredLine(shard.customId(attempt.request), step.error, requestId));
  }

  #judge(attempt: InFlight, answer: UpstreamAnswer): NextStep {
    const { clock, random } = this.#options;
    const { shard } = attempt.turn;
    const expiresAtMs = shard.batch.expiresAtUs / 1000;
    return nextStep(answer, shard.attempts(attempt.request), clock.now(), expiresAtMs, random());
  }

  #pause(attempt: InFlight, step: Extract<NextStep, { readonly type: 'pause' }>): void {
    const isNew = this.#options.gate.pause(step, this.#options.clock.now());
    if (isNew) this.#options.log.warn({ reason: step.reason, upstream: this.#options.upstreamName }, 'upstream paused');
    attempt.turn.shard.giveBack(attempt.request);
  }
}

type Waiting = Extract<UpstreamAnswer, { readonly retryAfterMs: number | null }>;

/** Whatever its status, an upstream whose answer is no message is broken. */
const NO_MESSAGE: UpstreamAnswer = { type: 'broken', reason: 'status 200 without a message' };

const REFUSED_STREAM: UpstreamAnswer = { type: 'broken', reason: 'refused as a stream' };

function cacheUse({ readTokens, write5mTokens, write1hTokens }: RequestUse): PrefixUsage {
  return { readTokens, createdTokens: write5mTokens + write1hTokens };
}

/** Only a failure to fetch what the request points at happens during execution; all else is found before it. */
function isFoundBeforeExecution(error: UpstreamError): boolean {
  return !error.message.startsWith('Unable to download the file');
}
