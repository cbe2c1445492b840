/**
 * Calls to a Message Batches API through the official SDK's client: its credentials, headers, retries and fetch. What the
 * SDK leaves open is settled here: errors say what was asked and what helps, nobody but the server is ever sent the key,
 * and answers are read with a bound.
 */
import { APIConnectionError, APIUserAbortError, type Anthropic } from '@anthropic-ai/sdk';
import { BASE_URL_VARIABLE, BATCHES_PATH, CallFailure, isAnswered, type CallContext } from './call-failure.ts';
import { tellLongWaits } from './long-waits.ts';
import { bytesOf, piecesOf } from './response-bytes.ts';

/** One call. */
export interface ApiCall {
  readonly method: 'get' | 'post' | 'delete';
  /** Below the base URL; or a whole URL of the same origin. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long to wait for the head of the answer; as long as the client does when absent. */
  readonly timeoutMs?: number;
  /** As often as the client does when absent. */
  readonly maxRetries?: number;
  readonly signal?: AbortSignal | undefined;
  /** For people, as the beginning of a sentence: `Retrieving batch msgbatch_1`. */
  readonly doing: string;
}

/** An answer whose body was read and is JSON. */
export interface JsonAnswer {
  readonly value: unknown;
  readonly headers: Headers;
}

/** Objects of the API are a few kilobytes, pages of them some hundred. */
const LONGEST_JSON_BYTES = 64 * 1024 * 1024;
const MOST_REDIRECTS = 5;

export class ApiCaller {
  readonly #client: Anthropic;
  readonly #addressName: string;
  #aheadMs: number | null = null;

  /** `addressName`: what named the base URL, for messages. */
  constructor(client: Anthropic, addressName: string = BASE_URL_VARIABLE) {
    this.#client = client;
    this.#addressName = addressName;
  }

  /** Where the API is. A profile may name another place than the client was made with, until it has been read. */
  get baseUrl(): URL {
    return new URL(this.#client.baseURL);
  }

  /** What the clock of whoever answered last is ahead of this one's, by the second; null: nobody has said. */
  get aheadMs(): number | null {
    return this.#aheadMs;
  }

  /** Finds the credentials; rejects where there are none, or they cannot be had. */
  async prepare(doing: string): Promise<void> {
    const call = { method: 'get', path: BATCHES_PATH, doing } as const;
    try {
      await this.#client.buildRequest({ method: call.method, path: call.path });
    } catch (error) {
      throw this.#failure(error, call);
    }
  }

  /** Calls, and reads a JSON answer. Rejects with a `CallFailure`, or with the signal's reason. */
  async json(call: ApiCall): Promise<JsonAnswer> {
    return this.answer(call, (response, broken) => this.#parse(call, response, broken));
  }

  /** Calls, and reads what is wanted of the answer; `take` answers null when that is not in it. */
  async read<Result>(call: ApiCall, take: (value: unknown, headers: Headers) => Result | null): Promise<Result> {
    return this.answer(call, async (response, broken) => {
      const { value, headers } = await this.#parse(call, response, broken);
      const taken = take(value, headers);
      if (taken === null) throw this.unreadable(response, call);
      return taken;
    });
  }

  /** The failure of an answer with a good status that is not what was asked for. */
  unreadable(response: Response, call: ApiCall): CallFailure {
    return CallFailure.unreadable(response, this.#context(call));
  }

  /** The failure of a stream that ended too early, cleanly. */
  brokenOff(call: ApiCall): CallFailure {
    return CallFailure.brokenOff(this.#context(call));
  }

  /** Calls, and hands on the pieces of the answer's body as they come. */
  async *pieces(call: ApiCall): AsyncGenerator<Uint8Array> {
    const { response, release, broken } = await this.#open(call);
    try {
      yield* piecesOf(response);
    } catch (error) {
      throw broken(error);
    } finally {
      release();
    }
  }

  /** Calls, and has the answer read; `broken` says what an error while reading means. */
  async answer<Result>(
    call: ApiCall,
    read: (response: Response, broken: (error: unknown) => unknown) => Promise<Result>,
  ): Promise<Result> {
    const { response, release, broken } = await this.#open(call);
    try {
      return await read(response, broken);
    } finally {
      release();
    }
  }

  async #parse(call: ApiCall, response: Response, broken: (error: unknown) => unknown): Promise<JsonAnswer> {
    const bytes = await bytesOf(response, LONGEST_JSON_BYTES).catch((error: unknown) => {
      throw broken(error);
    });
    const value = bytes === null ? undefined : parseJson(bytes);
    if (value === undefined) throw this.unreadable(response, call);
    return { value, headers: response.headers };
  }

  async #open(call: ApiCall) {
    const { signal } = call;
    signal?.throwIfAborted();
    // A signal of its own for each call: the SDK lets go of one only when a body was read by the SDK itself.
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal?.addEventListener('abort', abort, { once: true });
    const release = (): void => signal?.removeEventListener('abort', abort);
    const failure = (error: unknown): unknown =>
      signal?.aborted === true ? signal.reason : this.#failure(error, call);
    try {
      const response = await this.#send(call, controller.signal);
      const answeredAtMs = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(answeredAtMs)) this.#aheadMs = answeredAtMs - Date.now();
      const broken = (error: unknown): unknown => failure(asConnectionError(error));
      return { response, release, broken };
    } catch (error) {
      release();
      throw failure(error);
    }
  }

  /** Follows redirects to the same origin only, and only of what can be asked twice: the key goes nowhere else. */
  async #send(call: ApiCall, signal: AbortSignal): Promise<Response> {
    let { path } = call;
    for (let redirects = 0; ; redirects++) {
      try {
        return await this.#request({ ...call, path }, signal);
      } catch (error) {
        const next = call.method === 'get' && redirects < MOST_REDIRECTS ? this.#redirect(error, path) : null;
        if (next === null) throw error;
        path = next;
      }
    }
  }

  #request(call: ApiCall, signal: AbortSignal): Promise<Response> {
    const { method, path, query, body, headers, timeoutMs, maxRetries } = call;
    return this.#client
      .request({
        method,
        path,
        signal,
        fetchOptions: { redirect: 'manual' },
        middleware: [tellLongWaits],
        ...(query === undefined ? {} : { query }),
        ...(body === undefined ? {} : { body }),
        ...(headers === undefined ? {} : { headers }),
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
        ...(maxRetries === undefined ? {} : { maxRetries }),
      })
      .asResponse();
  }

  #redirect(error: unknown, path: string): string | null {
    if (!isAnswered(error) || !REDIRECTS.has(error.status)) return null;
    const location = error.headers.get('location');
    const from = this.#client.buildURL(path, null);
    if (location === null || !URL.canParse(location, from)) return null;
    const to = new URL(location, from);
    return to.origin === this.baseUrl.origin ? to.href : null;
  }

  #failure(error: unknown, call: ApiCall): CallFailure {
    return error instanceof CallFailure ? error : CallFailure.of(error, this.#context(call));
  }

  #context({ doing, path }: ApiCall): CallContext {
    const { apiKey, authToken } = this.#client;
    const variable = apiKey !== null ? 'ANTHROPIC_API_KEY' : authToken !== null ? 'ANTHROPIC_AUTH_TOKEN' : null;
    const secrets = [apiKey, authToken].map((secret) => secret?.trim() ?? '').filter((secret) => secret !== '');
    return { doing, path, baseUrl: this.baseUrl, addressName: this.#addressName, credential: variable, secrets };
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What fails while a body is read reaches us as the runtime threw it. */
function asConnectionError(error: unknown): unknown {
  if (error instanceof APIConnectionError || error instanceof APIUserAbortError || error instanceof CallFailure)
    return error;
  return new APIConnectionError({ cause: error instanceof Error ? error : new Error(String(error)) });
}

/** Undefined: it is none. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    // What came instead of JSON is the caller's to tell of.
    return undefined;
  }
}
