import { assert } from '@batchwright/core';
import type { PreparedRequests } from './write-requests.ts';
import type { ByteLog, RunStore } from '../store/run-store.ts';
import { joinedBytes } from '../service/joined-bytes.ts';
import { BadRequestsError } from './bulk-request.ts';
import { eventTurn } from './event-turn.ts';
import { hashOfId, IdTable } from './id-table.ts';
import { LINE_FEED, readLines, wholeLines, type LineSpan } from './log-lines.ts';
import type { RequestBook } from './planning.ts';
import { checkRequest, customIdOf } from './request-line.ts';

/**
 * Opens the requests of a run that its journal says are prepared. Rejects where what lies there is not what was prepared.
 *
 * What replaces a request is a further line at the log's end, behind all that were prepared; of several with one
 * custom_id the last counts. A line cut off by a crash was never sent, and is taken away.
 */
export async function openBook(store: RunStore): Promise<RequestBook> {
  const journal = await store.readJournal();
  const prepared = journal.findLast((entry) => entry.type === 'prepared');
  assert(prepared !== undefined, () => 'the requests of a run were opened before they were prepared');
  const log = await store.openLog('requests');
  try {
    const book = new LoggedBook(log, prepared);
    await book.read();
    return book;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Lines that are read in one go: so many, or so many bytes and one more line. */
const WINDOW_LINES = 4096;
const WINDOW_BYTES = 1 << 20;
const WINDOWS_PER_TURN = 4;

class LoggedBook implements RequestBook {
  readonly count: number;
  readonly #log: ByteLog;
  readonly #preparedBytes: number;
  /** Where each request was written, and where the first line after them begins. */
  readonly #starts: Float64Array;
  readonly #ids: IdTable;
  /** Ids that share their hash with another. */
  readonly #colliding = new Map<string, number>();
  readonly #replaced = new Map<number, LineSpan>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(log: ByteLog, { requests, requestBytes }: PreparedRequests) {
    this.count = requests;
    this.#log = log;
    this.#preparedBytes = requestBytes;
    this.#starts = new Float64Array(requests + 1);
    this.#ids = new IdTable(requests);
  }

  async read(): Promise<void> {
    if (this.#log.size < this.#preparedBytes) {
      throw damaged(`it has ${this.#log.size} bytes of ${this.#preparedBytes}`);
    }
    for await (const lines of wholeLines(this.#log, 0, this.#preparedBytes)) {
      for (const { start, line } of lines) await this.#add(start, line);
    }
    const { count } = this.#ids;
    this.#starts[count] = this.#preparedBytes;
    if (count !== this.count) throw damaged(`it has ${count} requests of ${this.count}`);
    await this.#readReplacements();
  }

  find(customId: string): number {
    const numbers = this.#ids.under(hashOfId(customId));
    return numbers.length < 2 ? (numbers[0] ?? -1) : (this.#colliding.get(customId) ?? -1);
  }

  bytes(request: number): number {
    return this.#spanOf(request).bytes;
  }

  async line(request: number): Promise<Uint8Array> {
    const { start, bytes } = this.#spanOf(request);
    return this.#log.read(start, bytes);
  }

  async *lines(requests: Uint32Array | 'all', signal?: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
    const count = requests === 'all' ? this.count : requests.length;
    let windows = 0;
    for (let from = 0; from < count;) {
      signal?.throwIfAborted();
      const spans: LineSpan[] = [];
      for (let bytes = 0; from < count && bytes < WINDOW_BYTES && spans.length < WINDOW_LINES; from++) {
        const span = this.#spanOf(requests === 'all' ? from : (requests[from] as number));
        spans.push(span);
        bytes += span.bytes;
      }
      yield await readLines(this.#log, spans);
      if (++windows % WINDOWS_PER_TURN === 0) await eventTurn();
    }
  }

  async replace(request: number, line: Uint8Array): Promise<void> {
    const checked = checkRequest({ line, origin: `what replaces request ${request + 1}` }, request);
    if (checked.type === 'fault') throw new BadRequestsError(checked.message);
    assert(this.find(checked.customId) === request, () => `request ${request} was to be replaced by another's`);
    const whole = joinedBytes([checked.line, Uint8Array.of(LINE_FEED)]);
    await this.#inTurn(async () => {
      const start = this.#log.size;
      await this.#log.append(whole);
      this.#replaced.set(request, { start, bytes: checked.line.length });
    });
  }

  isReplaced(request: number): boolean {
    return this.#replaced.has(request);
  }

  async sync(): Promise<void> {
    await this.#inTurn(() => this.#log.sync());
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#log.close());
  }

  #spanOf(request: number): LineSpan {
    assert(request >= 0 && request < this.count, () => `there is no request ${request} among ${this.count}`);
    const replaced = this.#replaced.get(request);
    if (replaced !== undefined) return replaced;
    const start = this.#starts[request] as number;
    return { start, bytes: (this.#starts[request + 1] as number) - start - 1 };
  }

  async #add(start: number, line: Uint8Array): Promise<void> {
    const number = this.#ids.count;
    if (number === this.count) throw damaged(`it has more than ${this.count} requests`);
    const id = customIdOf(line);
    if (id === null) throw damaged(`its line ${number + 1} is no request`);
    this.#starts[number] = start;
    const hash = hashOfId(id);
    const others = this.#ids.under(hash);
    if (others.length > 0) await this.#noteColliding(id, number, others);
    this.#ids.add(hash);
  }

  async #noteColliding(id: string, number: number, others: readonly number[]): Promise<void> {
    this.#colliding.set(id, number);
    for (const other of others) {
      const otherId = customIdOf(await this.line(other));
      if (otherId === id) throw damaged(`its lines ${other + 1} and ${number + 1} are of one custom_id, ${id}`);
      if (otherId !== null) this.#colliding.set(otherId, other);
    }
  }

  async #readReplacements(): Promise<void> {
    const { size } = this.#log;
    let end = this.#preparedBytes;
    for await (const lines of wholeLines(this.#log, end, size)) {
      for (const { start, line } of lines) {
        const id = customIdOf(line);
        const request = id === null ? -1 : this.find(id);
        // Nothing after it was ever durable, so nothing was sent that is in it.
        if (request < 0) return this.#log.truncate(end);
        this.#replaced.set(request, { start, bytes: line.length });
        end = start + line.length + 1;
      }
    }
    if (end < size) await this.#log.truncate(end);
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function damaged(what: string): Error {
  return new Error(`The log of the run's requests is damaged: ${what}. Remove the run and begin it anew.`);
}
