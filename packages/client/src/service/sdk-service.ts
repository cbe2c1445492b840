import Anthropic from '@anthropic-ai/sdk';
import type { MessageBatch } from '@batchwright/protocol';
import { readBatch, readPage, type BatchPage } from './answered-batch.ts';
import { ApiCaller, type ApiCall } from './api-caller.ts';
import {
  ServiceError,
  type BatchBody,
  type BatchService,
  type CreateOutcome,
  type RetrievedBatch,
} from './batch-service.ts';
import { BatchwrightExtras, readGreeting, type Pause, type ServerGreeting } from './batchwright-extras.ts';
import { addressOf, BATCHES_PATH, CallFailure, waitOf } from './call-failure.ts';
import { failedCreate } from './create-outcome.ts';
import { SentBody } from './sent-body.ts';

/** How a client of the SDK is made, where the environment does not say; null: as the SDK finds it by itself. */
export interface ClientSettings {
  readonly baseUrl?: string;
  readonly apiKey?: string | null;
  readonly authToken?: string | null;
}

/** The official SDK's client. A key goes before a token, as the SDK has it. */
export function sdkClient({ baseUrl, apiKey = null, authToken = null }: ClientSettings = {}): Anthropic {
  const at = baseUrl === undefined ? {} : { baseURL: baseUrl };
  if (apiKey !== null && apiKey !== '') return new Anthropic({ ...at, apiKey });
  if (authToken !== null && authToken !== '') return new Anthropic({ ...at, authToken });
  return new Anthropic(at);
}

/**
 * Connects to the API that a client of the SDK talks to, the one from the environment when none is given, and finds out
 * whether it is a Batchwright; the hosted API is not asked. Rejects with a `ServiceError` when there is no credential, and
 * when a server of one's own does not answer, refuses the key or is overloaded: what it is could not be told then.
 * `addressName` is what named the base URL, for messages: `ANTHROPIC_BASE_URL` when absent.
 */
export async function connectService(
  client: Anthropic = sdkClient(),
  signal?: AbortSignal,
  pause: Pause = pauseFor,
  addressName?: string,
): Promise<BatchService> {
  checkAddress(client.baseURL);
  const caller = new ApiCaller(client, addressName);
  await caller.prepare('Connecting');
  const greeting = isHosted(caller.baseUrl) ? null : await greet(caller, signal);
  return new SdkService(caller, greeting, pause);
}

/** A day's worth of batches of one run fits on a page. */
const PAGE_SIZE = 100;
/** Uploads slower than this are given up: at this pace 256 MB take an hour. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;
const LEAST_TIMEOUT_MS = 10 * 60 * 1000;

class SdkService implements BatchService {
  readonly name: string;
  readonly extras: BatchwrightExtras | null;
  readonly hasBatchDiscount: boolean;
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller, greeting: ServerGreeting | null, pause: Pause) {
    const { host } = caller.baseUrl;
    const address = addressOf(caller.baseUrl);
    this.name = isHosted(caller.baseUrl) ? host : greeting === null ? address : `Batchwright at ${address}`;
    this.extras = greeting === null ? null : new BatchwrightExtras(caller, pause);
    // A Batchwright asks its upstream call by call, at full price; the simulated one bills as the hosted API does.
    this.hasBatchDiscount = greeting === null || greeting.isSimulated;
    this.#caller = caller;
  }

  aheadMs(): number | null {
    return this.#caller.aheadMs;
  }

  async create(body: BatchBody, signal?: AbortSignal): Promise<CreateOutcome> {
    signal?.throwIfAborted();
    const sent = new SentBody(body);
    try {
      const batch = await this.#caller.read(this.#createCall(body, sent.stream, signal), readBatch);
      return { type: 'created', batch };
    } catch (error) {
      // The signal's reason is the caller's own, whatever became of the body for its sake.
      signal?.throwIfAborted();
      if (sent.failure !== null) throw sent.failure.error;
      if (error instanceof CallFailure) return failedCreate(error, sent.isWhole);
      throw error;
    } finally {
      await sent.close();
    }
  }

  async retrieve(id: string, signal?: AbortSignal): Promise<RetrievedBatch> {
    const call: ApiCall = { method: 'get', path: batchPath(id), signal, doing: `Retrieving batch ${id}` };
    return this.#caller.read(call, (value, headers) => {
      const batch = readBatch(value);
      return batch === null ? null : { batch, retryAfterMs: waitOf(headers) };
    });
  }

  async *newest(signal?: AbortSignal): AsyncGenerator<MessageBatch> {
    let after: string | null = null;
    do {
      const page: BatchPage = await this.#caller.read(this.#pageCall(after, signal), readPage);
      yield* page.batches;
      const last = page.batches.at(-1)?.id ?? null;
      // A server that says there is more after what it has sent already would be asked for ever.
      after = page.hasMore && last !== after ? last : null;
    } while (after !== null);
  }

  async *results(id: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const doing = `Reading the results of batch ${id}`;
    const { batch } = await this.retrieve(id, signal);
    const path = this.#resultsPath(batch);
    yield* this.#caller.pieces({ method: 'get', path, headers: { accept: 'application/binary' }, signal, doing });
  }

  async cancel(id: string, signal?: AbortSignal): Promise<MessageBatch> {
    const call: ApiCall = { method: 'post', path: `${batchPath(id)}/cancel`, signal, doing: `Canceling batch ${id}` };
    return this.#caller.read(call, readBatch);
  }

  async delete(id: string, signal?: AbortSignal): Promise<void> {
    await this.#caller.json({ method: 'delete', path: batchPath(id), signal, doing: `Deleting batch ${id}` });
  }

  #pageCall(after: string | null, signal?: AbortSignal): ApiCall {
    const query = { limit: PAGE_SIZE, ...(after === null ? {} : { after_id: after }) };
    return { method: 'get', path: BATCHES_PATH, query, signal, doing: `Listing batches at ${this.name}` };
  }

  #createCall({ bytes, options }: BatchBody, body: ReadableStream<Uint8Array>, signal?: AbortSignal): ApiCall {
    // The length lets a server refuse at once what is too large; runtimes that do not take it from us send chunks.
    const headers = { 'content-type': 'application/json', 'content-length': String(bytes) };
    const isAsked = this.extras !== null && options !== null;
    return {
      method: 'post',
      path: BATCHES_PATH,
      body,
      headers: isAsked ? { ...headers, 'batchwright-options': headerJson(options) } : headers,
      timeoutMs: LEAST_TIMEOUT_MS + Math.ceil((bytes / SLOWEST_BYTES_PER_SECOND) * 1000),
      maxRetries: 0,
      signal,
      doing: `Creating a batch at ${this.name}`,
    };
  }

  /**
   * Where the server says they are, as long as that is the same place: results that were never signed for need the key,
   * which is for nobody else. A server that does not know its own address names another; there the usual path is right.
   */
  #resultsPath({ id, results_url: url }: MessageBatch): string {
    const usual = `${batchPath(id)}/results`;
    if (url === null) return usual;
    if (url.startsWith('/')) return url;
    const isOurs = URL.canParse(url) && new URL(url).origin === this.#caller.baseUrl.origin;
    return isOurs ? url : usual;
  }
}

function batchPath(id: string): string {
  return `${BATCHES_PATH}/${encodeURIComponent(id)}`;
}

/** JSON in a header is ASCII. */
function headerJson(value: object): string {
  return JSON.stringify(value).replaceAll(
    /[\u007F-\uFFFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What is wrong is not repeated where it may hold a password. */
function checkAddress(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (isHttp && url.username === '' && url.password === '') return;
  const what = isHttp ? 'has a name or password in it' : `is "${text.includes('@') ? '…' : text}"`;
  const message = `The base URL ${what}. Set ANTHROPIC_BASE_URL to the address alone, as http://127.0.0.1:4180.`;
  throw new ServiceError(message, { status: null, type: null });
}

function isHosted({ hostname }: URL): boolean {
  return hostname === 'anthropic.com' || hostname.endsWith('.anthropic.com');
}

/** Answers that leave open what a server is: it did not get as far as to say. */
const NOT_TELLING: ReadonlySet<number> = new Set([401, 429, 502, 503, 504, 529]);

/** What the server says of itself; null when it is no Batchwright. */
async function greet(caller: ApiCaller, signal?: AbortSignal): Promise<ServerGreeting | null> {
  const doing = `Connecting to ${addressOf(caller.baseUrl)}`;
  try {
    const { value } = await caller.json({ method: 'get', path: '/ext/v1', signal, doing });
    return readGreeting(value);
  } catch (error) {
    const isOther = error instanceof CallFailure && error.status !== null && !NOT_TELLING.has(error.status);
    if (isOther) return null;
    throw error;
  }
}

function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
  });
}
