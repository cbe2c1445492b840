/**
 * Reads a run's requests, once: every line goes to the `requests` log as it came, and everything that can be known to be
 * wrong is found before anything is sent. Of a request no more than its place and a hash of its id stay in memory.
 */
import { widened } from '@batchwright/core';
import type { ByteLog, RunStore } from '../store/run-store.ts';
import { BadRequestsError, type BulkRequest } from './bulk-request.ts';
import { eventTurn } from './event-turn.ts';
import { FaultList } from './fault-list.ts';
import { hashOfId, IdTable } from './id-table.ts';
import { LINE_FEED } from './log-lines.ts';
import { checkRequest, customIdOf, fault, originOf } from './request-line.ts';
import { whyRepeated } from './request-scan.ts';

/** What is in the `requests` log: as many lines, in as many bytes. */
export interface PreparedRequests {
  readonly requests: number;
  readonly requestBytes: number;
}

export interface WriteTerms {
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many were read. */
  readonly onRead?: (requests: number) => void;
}

/**
 * Writes requests to a store, from the beginning, and makes them durable. Rejects with `BadRequestsError` where any cannot
 * be run, and with what the requests' source rejects with; the log then means nothing.
 */
export async function writeRequests(
  requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
  store: RunStore,
  { signal, onRead }: WriteTerms = {},
): Promise<PreparedRequests> {
  const log = await store.openLog('requests');
  try {
    await log.truncate(0);
    const writer = new RequestWriter(log);
    try {
      for await (const request of requests) {
        if (writer.add(request)) continue;
        signal?.throwIfAborted();
        await writer.settle(request);
        onRead?.(writer.taken);
        if (writer.faults.isFull) break;
      }
    } catch (error) {
      writer.faults.addError(error);
    }
    signal?.throwIfAborted();
    await writer.finish();
    return { requests: writer.taken, requestBytes: log.size };
  } finally {
    await log.close();
  }
}

const BUFFER_BYTES = 256 * 1024;
const FLUSHES_PER_TURN = 16;

class RequestWriter {
  readonly faults = new FaultList();
  /** Requests that came, those with a fault included. */
  taken = 0;
  readonly #log: ByteLog;
  readonly #ids = new IdTable();
  /** Where each request begins, and the next one will. */
  #starts = new Float64Array(1024);
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #flushes = 0;
  /** Numbers of the requests with a fault, ascending. */
  readonly #faulty: number[] = [];

  constructor(log: ByteLog) {
    this.#log = log;
  }

  /** Takes a request, where that can be done at once; else `settle` has to. */
  add(request: BulkRequest): boolean {
    const checked = checkRequest(request, this.taken);
    if (checked.type === 'fault') return false;
    const hash = hashOfId(checked.customId);
    if (this.#ids.under(hash).length > 0 || !this.#hasRoom(checked.line)) return false;
    this.#buffer.set(checked.line, this.#buffered);
    this.#buffered += checked.line.length;
    this.#buffer[this.#buffered++] = LINE_FEED;
    this.#note(hash, checked.line);
    return true;
  }

  /** Takes a request that `add` did not: it has a fault, or there is no room, or its id may have been before. */
  async settle(request: BulkRequest): Promise<void> {
    const checked = checkRequest(request, this.taken);
    if (checked.type === 'fault') return this.#refuse(checked.message);
    await this.#flush();
    const hash = hashOfId(checked.customId);
    for (const number of this.#ids.under(hash)) {
      if ((await this.#idAt(number)) !== checked.customId) continue;
      const reason = whyRepeated(checked.customId, this.#inputNumber(number));
      return this.#refuse(fault(originOf(request, this.taken), reason).message);
    }
    await this.#log.append(checked.line);
    await this.#log.append(Uint8Array.of(LINE_FEED));
    this.#note(hash, checked.line);
  }

  /** Everything is durable, and nothing was wrong; else rejects. */
  async finish(): Promise<void> {
    this.faults.throwIfAny();
    if (this.taken === 0) throw new BadRequestsError('There are no requests: the input is empty.');
    await this.#flush();
    await this.#log.sync();
  }

  #hasRoom(line: Uint8Array): boolean {
    return this.#buffered + line.length < BUFFER_BYTES;
  }

  #note(hash: number, line: Uint8Array): void {
    const { count } = this.#ids;
    if (count + 2 > this.#starts.length) this.#starts = widened(this.#starts, Math.ceil(this.#starts.length * GROWTH));
    this.#starts[count + 1] = (this.#starts[count] as number) + line.length + 1;
    this.#ids.add(hash);
    this.taken += 1;
  }

  #refuse(message: string): void {
    this.faults.add(message);
    this.#faulty.push(this.taken);
    this.taken += 1;
  }

  async #idAt(number: number): Promise<string | null> {
    const start = this.#starts[number] as number;
    return customIdOf(await this.#log.read(start, (this.#starts[number + 1] as number) - start - 1));
  }

  /** Those with a fault are not in the log. */
  #inputNumber(number: number): number {
    return this.#faulty.reduce((shifted, faulty) => (faulty <= shifted ? shifted + 1 : shifted), number);
  }

  async #flush(): Promise<void> {
    if (this.#buffered === 0) return;
    await this.#log.append(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
    // A source that has everything at hand would else keep signals waiting until all is read.
    if (++this.#flushes % FLUSHES_PER_TURN === 0) await eventTurn();
  }
}

const GROWTH = 1.25;
