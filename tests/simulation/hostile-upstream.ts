import type { Clock, Timer } from '@batchwright/core';
import type {
  CancelCall,
  Upstream,
  UpstreamCall,
  UpstreamEvents,
} from '../../packages/server/src/dispatch/upstream/upstream.ts';
import type { Chance } from './chance.ts';
import {
  HOSTILE,
  HOSTILE_TO_STREAMS,
  MODELS,
  REFUSAL,
  STORM,
  STREAM,
  SUCCESS,
  USAGES,
  type Answer,
  type Said,
  type StreamedAnswer,
} from './hostile-answers.ts';

/** What the upstream was asked; prompts carry their batch and request, so these are kept by both. */
export interface CallRecord {
  /** How many calls came before. */
  readonly index: number;
  /** By the clock of the server that called. */
  readonly atMs: number;
  /** How much of `atMs` is due to a clock that was set forward a moment before. */
  readonly leapMs: number;
}

/** The moment of a call, as its caller sees it. */
export interface Moment {
  readonly atMs: number;
  readonly leapMs: number;
}

/** Bytes of an answer that is as long as a model's can be, and some. */
const HUGE_BYTES = 20_000_000;

/**
 * An upstream on virtual time that does whatever upstreams do: answers soon or late, refuses, breaks, stalls, sends half a
 * body, ends twice, answers what was called off. `calm` makes it behave from then on.
 */
export class HostileUpstream implements Upstream {
  readonly name = 'hostile';
  readonly isSimulated = false;
  /** By prompt. */
  readonly calls = new Map<string, CallRecord[]>();
  /** Its own bill: what each whole answer said, by serial. */
  readonly bill = new Map<number, Said>();
  callCount = 0;
  /** Calls that were to be streamed: those of leaders. */
  streams = 0;
  inFlight = 0;
  peakInFlight = 0;
  calm = false;
  /** How often it is hostile, from 0 to 1. */
  malice: number;
  /** Answers of 20 MB that it will give. */
  hugeAnswers = 0;
  /** Until then, in its own time, it has no room for anybody. */
  stormUntilMs = 0;
  readonly #outstanding = new Set<CancelCall>();
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #moment: () => Moment;

  constructor(clock: Clock, chance: Chance, malice: number, moment: () => Moment) {
    this.#clock = clock;
    this.#chance = chance;
    this.malice = malice;
    this.#moment = moment;
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    const { prompt, isStream } = readCall(request.body as Uint8Array);
    this.#record(prompt, isStream);
    const chance = this.#chance;
    const isHostile = !this.calm && chance.isLucky(this.malice);
    const answer = this.#answer(prompt, isStream, isHostile);
    const said = this.#said(prompt, isStream);
    // Some connections fail before the call has returned.
    if (isHostile && chance.isLucky(0.02)) return this.#refuse(events);
    const latencyMs = isHostile ? chance.between(0, 90_000) : chance.between(1, 3000);
    const outlives = isHostile && chance.isLucky(0.1);
    let timer: Timer;
    let isOver = false;
    const over = (): void => {
      if (!isOver) this.inFlight--;
      isOver = true;
      this.#outstanding.delete(cancel);
    };
    const cancel = (): void => {
      // What was called off may be answered all the same.
      if (!outlives) timer.cancel();
      over();
    };
    this.#outstanding.add(cancel);
    timer = this.#clock.after(latencyMs, () => {
      if (typeof answer === 'function') {
        over();
        return answer(events, said);
      }
      answer.begin(events, said);
      timer = this.#clock.after(latencyMs, () => {
        over();
        answer.end(events, said);
      });
    });
    return cancel;
  }

  /** The caller's process died, and its connections with it. */
  dropAll(): void {
    for (const cancel of [...this.#outstanding]) cancel();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #record(prompt: string, isStream: boolean): void {
    const record = { index: this.callCount++, ...this.#moment() };
    const former = this.calls.get(prompt);
    if (former === undefined) this.calls.set(prompt, [record]);
    else former.push(record);
    if (isStream) this.streams++;
    this.inFlight++;
    this.peakInFlight = Math.max(this.peakInFlight, this.inFlight);
  }

  #answer(prompt: string, isStream: boolean, isHostile: boolean): Answer | StreamedAnswer {
    const chance = this.#chance;
    if (!this.calm && this.#clock.now() < this.stormUntilMs) return chance.pick(STORM);
    if (prompt.includes('refuse-me')) return REFUSAL;
    if (isHostile) return chance.pick(isStream ? HOSTILE_TO_STREAMS : HOSTILE);
    return isStream ? STREAM : SUCCESS;
  }

  #said(prompt: string, isStream: boolean): Said {
    const chance = this.#chance;
    const isHuge = !isStream && this.hugeAnswers > 0 && chance.isLucky(0.1);
    if (isHuge) this.hugeAnswers--;
    const paddingBytes = isHuge ? HUGE_BYTES : 0;
    const said = {
      prompt,
      serial: this.callCount,
      model: chance.pick(MODELS),
      usage: chance.pick(USAGES),
      paddingBytes,
    };
    this.bill.set(said.serial, said);
    return said;
  }

  #refuse(events: UpstreamEvents): CancelCall {
    this.inFlight--;
    events.onFailure('ECONNREFUSED', false);
    return () => undefined;
  }
}

/** The prompt's last text names it; what comes before is shared with others. */
function readCall(body: Uint8Array): { readonly prompt: string; readonly isStream: boolean } {
  const params = JSON.parse(Buffer.from(body).toString()) as {
    stream?: boolean;
    messages: { content: string | { text: string }[] }[];
  };
  const content = params.messages[0]?.content ?? '';
  const prompt = typeof content === 'string' ? content : (content.at(-1)?.text ?? '');
  return { prompt, isStream: params.stream === true };
}
