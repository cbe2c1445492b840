import type { BatchDetails, BatchEvent, PartialResults, Rerun, RerunChoice, ServiceExtras } from './batch-service.ts';
import { readBatch, readCounts, recordOf } from './answered-batch.ts';
import type { ApiCall, ApiCaller } from './api-caller.ts';
import { CallFailure } from './call-failure.ts';
import { eventsIn, type ServerEvent } from './event-stream.ts';
import { bytesOf } from './response-bytes.ts';

/** What a Batchwright must say of itself to be one that has all of the extras. */
const CAPABILITIES = ['batch_details', 'partial_results', 'events', 'requests', 'rerun'] as const;
/** How long the server may wait for something new to answer with. */
const WAIT_SECONDS = 30;
/** A page of results is at most 8 MB, or one line, and a line holds one answer. */
const LONGEST_PAGE_BYTES = 256 * 1024 * 1024;
const NEWLINE = 0x0a;
/** Between the end of an event stream and asking for it again; as many failures in a row are borne. */
const PAUSES_MS = [1000, 2000, 4000, 8000, 16_000] as const;

/** What a server says of itself. */
export interface ServerGreeting {
  readonly version: string;
  /** The name of what runs its requests. */
  readonly upstream: string;
  readonly isSimulated: boolean;
}

/** Reads the answer of `GET /ext/v1`; null when it is not that of a Batchwright with all extras. */
export function readGreeting(value: unknown): ServerGreeting | null {
  const { type, name, version, capabilities, upstream } = recordOf(value);
  if (type !== 'server' || name !== 'batchwright' || !Array.isArray(capabilities)) return null;
  if (!CAPABILITIES.every((wanted) => capabilities.includes(wanted))) return null;
  const { name: upstreamName, is_simulated: isSimulated } = recordOf(upstream);
  return { version: String(version), upstream: String(upstreamName), isSimulated: isSimulated === true };
}

/** Waits; rejects with the signal's reason when that comes first. */
export type Pause = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** The extras of a Batchwright. */
export class BatchwrightExtras implements ServiceExtras {
  readonly #caller: ApiCaller;
  readonly #pause: Pause;

  constructor(caller: ApiCaller, pause: Pause) {
    this.#caller = caller;
    this.#pause = pause;
  }

  async holdsRequest(
    id: string,
    customId: string,
    params: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const doing = `Asking batch ${id} for request ${customId}`;
    const path = `${extPath(id)}/requests/${encodeURIComponent(customId)}`;
    try {
      const { value } = await this.#caller.json({ method: 'get', path, signal, doing });
      // They are kept byte for byte, so that their fields have our order.
      return JSON.stringify(recordOf(value)['params']) === JSON.stringify(params);
    } catch (error) {
      if (error instanceof CallFailure && error.status === 404 && error.isEnvelope) return false;
      throw error;
    }
  }

  async partialResults(id: string, cursor: string | null, signal?: AbortSignal): Promise<PartialResults> {
    const call: ApiCall = {
      method: 'get',
      path: `${extPath(id)}/results`,
      query: { wait: WAIT_SECONDS, ...(cursor === null ? {} : { cursor }) },
      headers: { accept: 'application/x-jsonl' },
      signal,
      doing: `Reading the results of batch ${id} so far`,
    };
    return this.#caller.answer(call, async (response, broken) => {
      const bytes = await bytesOf(response, LONGEST_PAGE_BYTES).catch((error: unknown) => {
        throw broken(error);
      });
      const next = response.headers.get('batchwright-cursor');
      const isWhole = bytes !== null && (bytes.byteLength === 0 || bytes.at(-1) === NEWLINE);
      if (!isWhole || next === null) throw this.#caller.unreadable(response, call);
      return { bytes, cursor: next, isComplete: response.headers.get('batchwright-complete') === 'true' };
    });
  }

  /** A stream that breaks off is taken up again; what it told before is told again, as it stands by then. */
  async *events(id: string, signal?: AbortSignal): AsyncGenerator<BatchEvent> {
    const call: ApiCall = {
      method: 'get',
      path: `${extPath(id)}/events`,
      headers: { accept: 'text/event-stream' },
      signal,
      doing: `Following batch ${id}`,
    };
    let costNanoUsd: number | null = null;
    for (let failures = 0; ; failures++) {
      try {
        for await (const told of eventsIn(this.#caller.pieces(call))) {
          const event = readEvent(told, costNanoUsd);
          if (event === null) continue;
          failures = 0;
          ({ costNanoUsd } = event);
          yield event;
          if (event.batch.processing_status === 'ended' && told.event === 'ended') return;
        }
        if (failures >= PAUSES_MS.length) throw this.#caller.brokenOff(call);
      } catch (error) {
        if (!(error instanceof CallFailure) || !isPassing(error) || failures >= PAUSES_MS.length) throw error;
      }
      await this.#pause(PAUSES_MS[failures] as number, signal);
    }
  }

  async details(id: string, signal?: AbortSignal): Promise<BatchDetails> {
    const call: ApiCall = { method: 'get', path: extPath(id), signal, doing: `Asking how batch ${id} stands` };
    return this.#caller.read(call, (value) => {
      const json = recordOf(value);
      const batch = readBatch(json['batch']);
      return batch === null ? null : { batch, ...figuresIn(json), json };
    });
  }

  async rerun(id: string, { types, errorTypes }: RerunChoice, signal?: AbortSignal): Promise<Rerun> {
    const call: ApiCall = {
      method: 'post',
      path: `${extPath(id)}/rerun`,
      body: {
        ...(types === undefined ? {} : { types }),
        ...(errorTypes === undefined ? {} : { error_types: errorTypes }),
      },
      // Each call makes a batch: asking again after a lost answer would run everything twice.
      maxRetries: 0,
      signal,
      doing: `Running requests of batch ${id} again`,
    };
    return this.#caller.read(call, (value) => {
      const { from, requests, batch: told } = recordOf(value);
      const batch = readBatch(told);
      return batch === null ? null : { from: String(from), requests: Number(requests), batch };
    });
  }
}

function extPath(id: string): string {
  return `/ext/v1/batches/${encodeURIComponent(id)}`;
}

/** Null for what is no event of a batch: streams may come to tell more. */
function readEvent({ event, data }: ServerEvent, costSoFar: number | null): BatchEvent | null {
  if (event !== 'progress' && event !== 'ended') return null;
  const json = parsed(data);
  const { id, processing_status: status } = json;
  const counts = readCounts(json['request_counts']);
  if (typeof id !== 'string' || typeof status !== 'string' || counts === null) return null;
  const batch = { id, processing_status: status, request_counts: counts } as BatchEvent['batch'];
  // The last event is the batch alone; what it came to was told before.
  return event === 'ended'
    ? { batch, resultsPerSecond: null, eta: null, costNanoUsd: costSoFar }
    : { batch, ...figuresIn(json) };
}

function figuresIn(json: Readonly<Record<string, unknown>>): Omit<BatchEvent, 'batch'> {
  const { results_per_second: rate, eta } = recordOf(json['progress']);
  const { nano_usd: nanoUsd } = recordOf(json['ledger']);
  return {
    resultsPerSecond: typeof rate === 'number' ? rate : null,
    eta: typeof eta === 'string' ? eta : null,
    costNanoUsd: typeof nanoUsd === 'number' ? nanoUsd : null,
  };
}

function parsed(data: string): Readonly<Record<string, unknown>> {
  try {
    return recordOf(JSON.parse(data));
  } catch {
    // Half an event is none; the next one tells all of it again.
    return {};
  }
}

/** Whether asking again may help. */
function isPassing({ status, certainty }: CallFailure): boolean {
  return certainty !== 'impossible' && (status === null || status === 408 || status === 429 || status >= 500);
}
