import type { VirtualClock } from '@batchwright/core';
import type { BatchId, BatchResult, MessageBatch, ProcessingStatus, RequestCounts } from '@batchwright/protocol';
import {
  ServiceError,
  type BatchBody,
  type BatchService,
  type CreateOutcome,
  type ServiceExtras,
} from '../service/batch-service.ts';
import { Crash } from './mortal-store.fixture.ts';

export interface SentRequest {
  readonly custom_id: string;
  readonly params: { readonly model: string; readonly messages: readonly { readonly content: string }[] };
}

export interface FakeBatch {
  readonly id: string;
  readonly createdAtMs: number;
  endsAtMs: number;
  isCanceled: boolean;
  readonly requests: readonly SentRequest[];
  /** Of ended requests, in the order they are served. */
  lines: readonly string[] | null;
}

/** What becomes of a create: made or not, and what is answered. */
export type CreateFault = 'made_unknown' | 'lost_unknown' | 'made_late' | 'busy' | 'too_large' | 'unauthorized';

export const rateLimited: BatchResult = errored('rate_limit_error');

export function errored(type: string, message = 'it failed'): BatchResult {
  return { type: 'errored', error: { type: 'error', error: { type, message }, request_id: null } as never };
}

export function succeeded(text: string): BatchResult {
  const usage = { input_tokens: 10, output_tokens: 5 };
  return { type: 'succeeded', message: { model: 'claude-haiku-4-5', content: [{ type: 'text', text }], usage } };
}

export function failure(
  status: number | null,
  type: string | null = null,
  retryAfterMs: number | null = null,
): ServiceError {
  return new ServiceError(`the server answered ${status ?? 'nothing'}`, { status, type, retryAfterMs });
}

const MOST_WAIT_MS = 20_000;

/** A Message Batches API in virtual time that does what a test says. */
export class FakeServer {
  readonly clock: VirtualClock;
  readonly batches: FakeBatch[] = [];
  /** How long a batch takes. */
  batchMs: number = 60_000;
  isBatchwright = false;
  /** What becomes of a create; `number` counts them from 0. */
  onCreate: (number: number, body: readonly SentRequest[]) => CreateFault | null = () => null;
  /** Throws to fail a call. */
  onCall: (call: 'retrieve' | 'newest' | 'results' | 'cancel' | 'holds' | 'partial', id: string) => void = () =>
    undefined;
  /** What becomes of a request; `attempt` counts from 1 over all batches. */
  answer: (request: SentRequest, attempt: number) => BatchResult = (request) => succeeded(request.custom_id);
  /** Changes the file of results. */
  serve: (lines: readonly string[], batch: FakeBatch, download: number) => readonly string[] = (lines) => lines;
  retryAfterMs: number | null = null;
  /** What its clock is ahead of ours. */
  aheadMs = 0;
  /** Null: the server does not say when there is room again. */
  busyMs: number | null = null;
  creates = 0;
  readonly attempts = new Map<string, number>();
  readonly downloads = new Map<string, number>();

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** The server as one process sees it, until that dies. */
  service(isDead: () => boolean = () => false): BatchService {
    const check = (signal?: AbortSignal): void => {
      if (isDead()) throw new Crash('the process is dead');
      signal?.throwIfAborted();
    };
    return {
      name: 'the fake server',
      hasBatchDiscount: true,
      aheadMs: () => this.aheadMs,
      extras: this.isBatchwright ? this.#extras(check) : null,
      create: async (body, signal) => {
        check(signal);
        const outcome = await this.#create(body);
        check(signal);
        return outcome;
      },
      retrieve: async (id, signal) => {
        check(signal);
        this.onCall('retrieve', id);
        return { batch: this.#shown(this.find(id)), retryAfterMs: this.retryAfterMs };
      },
      newest: (signal) => this.#newest(() => check(signal)),
      results: (id, signal) => this.#results(id, () => check(signal)),
      cancel: async (id, signal) => {
        check(signal);
        this.onCall('cancel', id);
        const batch = this.find(id);
        if (this.clock.now() < batch.endsAtMs) batch.isCanceled = true;
        batch.endsAtMs = Math.min(batch.endsAtMs, this.clock.now() + 1000);
        return this.#shown(batch);
      },
      delete: async () => undefined,
    };
  }

  /** A batch of somebody else's. */
  addForeign(requests: number, createdAtMs: number, names = 'foreign'): FakeBatch {
    const made = Array.from({ length: requests }, (_, i) => ({
      custom_id: `${names}-${i}`,
      params: { model: 'm', messages: [] },
    }));
    return this.#add(made, createdAtMs);
  }

  find(id: string): FakeBatch {
    const batch = this.batches.find((known) => known.id === id && known.createdAtMs <= this.clock.now());
    if (batch === undefined) throw failure(404, 'not_found_error');
    return batch;
  }

  /** Every custom_id that is in a batch, as often as it is. */
  get submitted(): readonly string[] {
    return this.batches
      .flatMap(({ requests }) => requests.map(({ custom_id: id }) => id))
      .filter((id) => !id.startsWith('foreign'));
  }

  async #create(body: BatchBody): Promise<CreateOutcome> {
    const parts: Uint8Array[] = [];
    for await (const piece of body.pieces()) parts.push(Uint8Array.from(piece));
    const { requests } = JSON.parse(Buffer.concat(parts).toString()) as { readonly requests: readonly SentRequest[] };
    const fault = this.onCreate(this.creates++, requests);
    switch (fault) {
      case null:
        return { type: 'created', batch: this.#shown(this.#add(requests, this.clock.now())) };
      case 'made_unknown':
        this.#add(requests, this.clock.now());
        return { type: 'unknown', error: failure(null) };
      case 'made_late':
        this.#add(requests, this.clock.now() + 3000);
        return { type: 'unknown', error: failure(504) };
      case 'lost_unknown':
        return { type: 'unknown', error: failure(null) };
      case 'busy':
        return { type: 'not_now', error: failure(429, 'rate_limit_error'), retryAfterMs: this.busyMs };
      case 'too_large':
        return { type: 'refused', error: failure(413, 'request_too_large') };
      case 'unauthorized':
        return { type: 'refused', error: failure(401, 'authentication_error') };
      default:
        return fault satisfies never;
    }
  }

  #add(requests: readonly SentRequest[], createdAtMs: number): FakeBatch {
    const id = `msgbatch_${String(this.batches.length).padStart(4, '0')}`;
    const batch: FakeBatch = {
      id,
      createdAtMs,
      endsAtMs: createdAtMs + this.batchMs,
      isCanceled: false,
      requests,
      lines: null,
    };
    this.batches.push(batch);
    return batch;
  }

  #linesOf(batch: FakeBatch): readonly string[] {
    batch.lines ??= batch.requests.map((request) => {
      const attempt = (this.attempts.get(request.custom_id) ?? 0) + 1;
      this.attempts.set(request.custom_id, attempt);
      const result: BatchResult = batch.isCanceled ? { type: 'canceled' } : this.answer(request, attempt);
      return JSON.stringify({ custom_id: request.custom_id, result });
    });
    return batch.lines;
  }

  #shown(batch: FakeBatch): MessageBatch {
    const hasEnded = this.clock.now() >= batch.endsAtMs;
    const counts: Record<keyof RequestCounts, number> = {
      processing: 0,
      succeeded: 0,
      errored: 0,
      canceled: 0,
      expired: 0,
    };
    if (!hasEnded) counts.processing = batch.requests.length;
    else
      for (const line of this.#linesOf(batch)) counts[(JSON.parse(line) as { result: BatchResult }).result.type] += 1;
    const status: ProcessingStatus = hasEnded ? 'ended' : batch.isCanceled ? 'canceling' : 'in_progress';
    return {
      id: batch.id as BatchId,
      type: 'message_batch',
      processing_status: status,
      request_counts: counts,
      created_at: new Date(batch.createdAtMs + this.aheadMs).toISOString(),
      expires_at: new Date(batch.createdAtMs + this.aheadMs + 86_400_000).toISOString(),
      ended_at: null,
      archived_at: null,
      cancel_initiated_at: null,
      results_url: null,
    };
  }

  async *#newest(check: () => void): AsyncGenerator<MessageBatch> {
    check();
    this.onCall('newest', '');
    const shown = this.batches.filter(({ createdAtMs }) => createdAtMs <= this.clock.now());
    for (const batch of shown.toReversed().sort((a, b) => b.createdAtMs - a.createdAtMs)) {
      check();
      yield this.#shown(batch);
    }
  }

  async *#results(id: string, check: () => void): AsyncGenerator<Uint8Array> {
    check();
    this.onCall('results', id);
    const batch = this.find(id);
    if (this.clock.now() < batch.endsAtMs) throw failure(404, 'not_found_error');
    const download = this.downloads.get(id) ?? 0;
    this.downloads.set(id, download + 1);
    const text = Buffer.from(
      this.serve(this.#linesOf(batch), batch, download)
        .map((line) => `${line}\n`)
        .join(''),
    );
    const cut = Math.ceil(text.length / 3);
    for (let at = 0; at < text.length; at += cut) {
      check();
      if (at > 0) this.onCall('results', id);
      yield text.subarray(at, at + cut);
    }
  }

  /** Waits for a batch's n-th result a while, as a Batchwright does before it answers that there is nothing new. */
  async #next({ createdAtMs, endsAtMs, requests }: FakeBatch, at: number, signal?: AbortSignal): Promise<void> {
    const atMs = Math.ceil(
      createdAtMs + (Math.min(at + 1, requests.length) / requests.length) * (endsAtMs - createdAtMs),
    );
    const waitMs = Math.min(MOST_WAIT_MS, atMs - this.clock.now());
    if (waitMs <= 0) return;
    await new Promise<void>((resolve, reject) => {
      const timer = this.clock.after(waitMs, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason as Error);
      });
    });
  }

  #extras(check: (signal?: AbortSignal) => void): ServiceExtras {
    const none = (): never => {
      throw new Error('nobody asks for it');
    };
    return {
      holdsRequest: async (id, customId, params, signal) => {
        check(signal);
        this.onCall('holds', id);
        const request = this.find(id).requests.find((held) => held.custom_id === customId);
        return JSON.stringify(request?.params) === JSON.stringify(params);
      },
      partialResults: async (id, cursor, signal) => {
        check(signal);
        this.onCall('partial', id);
        const batch = this.find(id);
        const at = Number(cursor ?? 0);
        const lines = this.#linesOf(batch);
        await this.#next(batch, at, signal);
        check(signal);
        const share = Math.min(
          1,
          (this.clock.now() - batch.createdAtMs) / Math.max(1, batch.endsAtMs - batch.createdAtMs),
        );
        const until = Math.floor(share * lines.length);
        const page = lines.slice(at, until).map((line) => `${line}\n`);
        return { bytes: Buffer.from(page.join('')), cursor: String(until), isComplete: until === lines.length };
      },
      events: none,
      details: none,
      rerun: none,
    };
  }
}
