import type { MessageBatch } from '@batchwright/protocol';

/**
 * A Message Batches API as a run needs it, whoever serves it: Anthropic, Batchwright, or another that is compatible. What
 * only Batchwright has is in `extras`, and nobody else is asked for it.
 */
export interface BatchService {
  /** For people: `api.anthropic.com`, or the address and that it is a Batchwright. */
  readonly name: string;
  /** Null where the server has none of it. */
  readonly extras: ServiceExtras | null;
  /** Whether it bills batches at half the price, as the hosted API does and a server that asks call by call cannot. */
  readonly hasBatchDiscount: boolean;
  /** What the server's clock was ahead of ours at its last answer, in milliseconds; null: it did not say. */
  aheadMs(): number | null;
  /** Creates a batch, once: it is never tried again in here. Rejects only when aborted, or when the body cannot be made. */
  create(body: BatchBody, signal?: AbortSignal): Promise<CreateOutcome>;
  retrieve(id: string, signal?: AbortSignal): Promise<RetrievedBatch>;
  /** Batches, newest first, page by page as they are asked for. */
  newest(signal?: AbortSignal): AsyncIterable<MessageBatch>;
  /** The results of an ended batch as JSONL, in pieces cut anywhere. */
  results(id: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  cancel(id: string, signal?: AbortSignal): Promise<MessageBatch>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** A body that is made as it is sent, and can be made again. */
export interface BatchBody {
  readonly requests: number;
  /** Exactly. */
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array>;
  /** What Batchwright is asked for beside the API, sent as `batchwright-options`; null: nothing. */
  readonly options: Readonly<Record<string, unknown>> | null;
}

export type CreateOutcome =
  | { readonly type: 'created'; readonly batch: MessageBatch }
  /** Nothing was made, and the same body will never be taken. */
  | { readonly type: 'refused'; readonly error: ServiceError }
  /** Nothing was made; later it may be taken. */
  | { readonly type: 'not_now'; readonly error: ServiceError; readonly retryAfterMs: number | null }
  /** No answer, or one that does not tell: it may have been made. */
  | { readonly type: 'unknown'; readonly error: ServiceError };

export interface RetrievedBatch {
  readonly batch: MessageBatch;
  /** When the server wants to be asked again; null: it did not say. */
  readonly retryAfterMs: number | null;
}

/** What a Batchwright answers beyond the API. */
export interface ServiceExtras {
  /** Whether a batch has a request of this custom_id and these params. */
  holdsRequest(
    id: string,
    customId: string,
    params: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<boolean>;
  /** Results that are durable so far, from a cursor on; waits a little on the server when there is nothing new. */
  partialResults(id: string, cursor: string | null, signal?: AbortSignal): Promise<PartialResults>;
  /** What changes about a batch, as it does; ends with the batch. */
  events(id: string, signal?: AbortSignal): AsyncIterable<BatchEvent>;
  /** How far a batch is, and all that the server knows about it besides. */
  details(id: string, signal?: AbortSignal): Promise<BatchDetails>;
  /** Runs those requests of an ended batch again that failed in one of these ways, as a new batch; once, as a create is. */
  rerun(id: string, what: RerunChoice, signal?: AbortSignal): Promise<Rerun>;
}

export interface PartialResults {
  /** Whole lines of JSONL. */
  readonly bytes: Uint8Array;
  /** Where to go on. */
  readonly cursor: string;
  /** Nothing follows. */
  readonly isComplete: boolean;
}

/** How far a batch is. */
export interface BatchEvent {
  readonly batch: Pick<MessageBatch, 'id' | 'processing_status' | 'request_counts'>;
  readonly resultsPerSecond: number | null;
  /** RFC 3339; null: nobody can tell. */
  readonly eta: string | null;
  /** Of the results so far; null: nothing has a price, or there are none. */
  readonly costNanoUsd: number | null;
}

export interface BatchDetails extends BatchEvent {
  readonly batch: MessageBatch;
  /** All of it, as it was answered. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Which requests are run again; the server's own choice, all that failed, where one is absent. */
export interface RerunChoice {
  readonly types?: readonly ('errored' | 'expired' | 'canceled')[];
  /** Of the errored ones. */
  readonly errorTypes?: readonly string[];
}

/** A new batch made of requests of another. */
export interface Rerun {
  readonly from: string;
  readonly requests: number;
  readonly batch: MessageBatch;
}

/** A call that failed: what was asked, what was answered, and what helps, in one line. */
export class ServiceError extends Error {
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** The API's error type, such as `authentication_error`; null when there was none. */
  readonly type: string | null;
  /** When to try again, as the server said; null: it did not. */
  readonly retryAfterMs: number | null;
  /** What helps, which the message ends with; null: nothing is known to. */
  readonly remedy: string | null;

  constructor(
    message: string,
    about: {
      readonly status: number | null;
      readonly type: string | null;
      readonly retryAfterMs?: number | null;
      readonly remedy?: string | null;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ServiceError';
    this.status = about.status;
    this.type = about.type;
    this.retryAfterMs = about.retryAfterMs ?? null;
    this.remedy = about.remedy ?? null;
  }

  /** The message without what helps, as the beginning of a sentence. */
  get brief(): string {
    return this.message.slice(0, this.message.length - (this.remedy?.length ?? 0)).replace(/[\s.]+$/, '');
  }
}
