import type { Clock, Timer } from '@batchwright/core';
import { LIMITS, type Problem } from '@batchwright/protocol';
import type { BodyScanner } from '@batchwright/scan';
import type { PassingBody } from './intake.ts';
import { BlockRing, type WriteBlock } from './block-ring.ts';

/** An upload that sends nothing for this long, while it could, is given up. */
export const IDLE_TIMEOUT_MS = 60_000;

/**
 * So is one that sends less than this in as long: few uploads have their turn at once, and a byte now and then would keep
 * a turn from everybody else for as long as its sender likes.
 */
export const LEAST_BYTES = 16 * 1024;

/**
 * A look that comes this much later than it was due was held up by no busy machine: the clock was set forward, or the
 * process stood still, and what came meanwhile has not been read yet.
 */
const LATE_LOOK_MS = 10_000;

/** How an upload ended. */
export type UploadEnd =
  /** Every byte was scanned and written, and the body may become a batch of `count` requests. */
  | { readonly type: 'complete'; readonly count: number }
  | { readonly type: 'refused'; readonly problem: Problem }
  | { readonly type: 'broken_off' }
  | { readonly type: 'failed'; readonly error: unknown };

/**
 * One body on its way from the stream through the scanner's ring to the log. It ends once, at the first of: the body's
 * end, a byte that makes it no JSON, a byte too many, silence, the client's going away, the log's failing. While the
 * ring is full the stream is paused, and what was left of the last chunk waits here.
 */
export class Upload {
  readonly #body: PassingBody;
  readonly #scanner: BodyScanner;
  readonly #clock: Clock;
  readonly #ring: BlockRing;
  #receivedBytes = 0;
  #lastByteMs: number;
  /** When the pace was last looked at, and what had been received by then. */
  #looked: { readonly atMs: number; readonly bytes: number };
  #waitingBytes: Uint8Array | null = null;
  #bodyEnded = false;
  #idleTimer: Timer | null = null;
  #lookDueMs: number;
  /** Kept apart from the end, since the last blocks may fail after the body ended. */
  #failure: UploadEnd | null = null;
  #end: ((end: UploadEnd) => void) | null = null;

  constructor(body: PassingBody, scanner: BodyScanner, write: WriteBlock, clock: Clock) {
    this.#body = body;
    this.#scanner = scanner;
    this.#clock = clock;
    this.#lastByteMs = clock.now();
    this.#lookDueMs = this.#lastByteMs;
    this.#looked = { atMs: this.#lastByteMs, bytes: 0 };
    this.#ring = new BlockRing(scanner.blocks, write, {
      onRoom: () => this.#goOn(),
      onFailure: (error) => {
        this.#failure ??= { type: 'failed', error };
        this.#finish(this.#failure);
      },
    });
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Runs the upload; when it resolves, no block is being written any more. */
  async run(): Promise<UploadEnd> {
    const end = await new Promise<UploadEnd>((resolve) => {
      this.#end = resolve;
      this.#listen();
      this.#watchForSilence();
    });
    if (end.type === 'complete') this.#ring.flush();
    await this.#ring.settle();
    return end.type === 'complete' && this.#failure !== null ? this.#failure : end;
  }

  readonly #onData = (chunk: Uint8Array): void => this.#receive(chunk);
  readonly #onEnd = (): void => {
    this.#bodyEnded = true;
    if (this.#waitingBytes === null) this.#judge();
  };
  readonly #onGone = (): void => {
    if (!this.#bodyEnded) this.#finish({ type: 'broken_off' });
  };

  #listen(): void {
    if (this.#body.destroyed) return this.#onGone();
    this.#body.on('close', this.#onGone);
    this.#body.on('error', this.#onGone);
    this.#body.on('end', this.#onEnd);
    this.#body.on('data', this.#onData);
  }

  #receive(chunk: Uint8Array): void {
    this.#lastByteMs = this.#clock.now();
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > LIMITS.batchBodyBytes) {
      this.#refuse({ type: 'body_too_large', limitBytes: LIMITS.batchBodyBytes });
    } else this.#take(chunk);
  }

  /** A chunk that the ring takes in two parts is not given back: it is no whole chunk any more, and rare. */
  #take(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const bytes = this.#ring.put(rest);
      if (bytes === null) return this.#pause(rest);
      const problem = this.#scanner.feed(bytes);
      if (problem !== null) return this.#refuse(problem);
      rest = rest.subarray(bytes.length);
    }
    this.#body.release?.(chunk);
  }

  #pause(rest: Uint8Array): void {
    this.#waitingBytes = rest;
    this.#body.pause();
  }

  #goOn(): void {
    const rest = this.#waitingBytes;
    if (rest === null || this.#end === null) return;
    this.#waitingBytes = null;
    this.#take(rest);
    if (this.#waitingBytes !== null || this.#end === null) return;
    // The client was made to wait, so its silence counts from now.
    this.#countFromNow();
    if (this.#bodyEnded) this.#judge();
    else this.#body.resume();
  }

  #judge(): void {
    const verdict = this.#scanner.finish();
    this.#finish(verdict.type === 'accepted' ? { type: 'complete', count: verdict.count } : verdict);
  }

  /** One timer for the whole upload, not one per chunk: it wakes when silence could have lasted long enough. */
  #watchForSilence(): void {
    if (this.#end === null) return;
    const nowMs = this.#clock.now();
    if (nowMs > this.#lookDueMs + LATE_LOOK_MS) this.#countFromNow();
    const silentMs = this.#waitingBytes === null ? nowMs - this.#lastByteMs : 0;
    if (silentMs >= IDLE_TIMEOUT_MS || this.#isTooSlow()) return this.#refuse({ type: 'body_timed_out' });
    this.#lookDueMs = nowMs + IDLE_TIMEOUT_MS - silentMs;
    this.#idleTimer = this.#clock.after(IDLE_TIMEOUT_MS - silentMs, () => this.#watchForSilence());
  }

  #countFromNow(): void {
    this.#lastByteMs = this.#clock.now();
    this.#looked = { atMs: this.#lastByteMs, bytes: this.#receivedBytes };
  }

  #isTooSlow(): boolean {
    const nowMs = this.#clock.now();
    if (this.#waitingBytes !== null || nowMs - this.#looked.atMs < IDLE_TIMEOUT_MS) return false;
    const isSlow = this.#receivedBytes - this.#looked.bytes < LEAST_BYTES;
    this.#looked = { atMs: nowMs, bytes: this.#receivedBytes };
    return isSlow;
  }

  #refuse(problem: Problem): void {
    this.#finish({ type: 'refused', problem });
  }

  #finish(end: UploadEnd): void {
    const resolve = this.#end;
    if (resolve === null) return;
    this.#end = null;
    this.#idleTimer?.cancel();
    this.#body.off('data', this.#onData);
    this.#body.off('end', this.#onEnd);
    this.#body.off('close', this.#onGone);
    this.#body.off('error', this.#onGone);
    if (!this.#bodyEnded) this.#body.pause();
    resolve(end);
  }
}
