import type { BatchId } from '@batchwright/protocol';
import type { RunningBatch } from '../schedule/running-batch.ts';
import { progressObject } from './batch-details.ts';
import { batchObject, findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { totalsObject } from './ledger-object.ts';
import { Outlet } from './outlet.ts';
import { refuse, SENT, type Reply } from './reply.ts';
import type { Watch } from './watches.ts';

/** Between two events, so that a batch of thousands of results a second tells of them once. */
const REST_MS = 1000;
/** So that proxies see life, and clients notice a dead connection. */
const KEEP_ALIVE_MS = 15_000;
/** A client that has taken nothing for this long does not read, and its place is another's. */
const STUCK_MS = 60_000;
/** When a place is worth asking for again. */
const FULL_RETRY_SECONDS = 10;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Nginx would hold events back until it has a buffer full of them.
  'x-accel-buffering': 'no',
} as const;

/**
 * `GET /ext/v1/batches/{id}/events`: how a batch stands, at once and whenever that changes, until it has ended. An event
 * is the state at that moment and never a step since the last one, so that nothing need be kept for whoever reads slowly:
 * the next event is made when the one before it has left.
 */
export async function streamEvents(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const batch = await findBatch(room, call, params, caller);
  if (batch === null) return refuse({ type: 'batch_not_found', batchId: namedBatch(call, params) });
  const watch = room.watches.open(batch.id, call.response);
  if (watch === null) {
    const { maxWatches } = room.services.settings;
    return refuse({ type: 'too_many_watches', limit: maxWatches, retryAfterSeconds: FULL_RETRY_SECONDS });
  }
  try {
    await new EventStream(room, call, caller, batch.id, watch).run();
  } finally {
    watch.close();
  }
  return SENT;
}

/** One client's stream, which holds no more than one event. */
class EventStream {
  readonly #room: Room;
  readonly #call: Call;
  readonly #caller: Caller;
  readonly #batchId: BatchId;
  readonly #watch: Watch;
  readonly #outlet: Outlet;
  #eventId: number;
  /** Of the requests, as of the last look. */
  #seenStates = '';
  #wroteMs = Number.NEGATIVE_INFINITY;

  constructor(room: Room, call: Call, caller: Caller, batchId: BatchId, watch: Watch) {
    this.#room = room;
    this.#call = call;
    this.#caller = caller;
    this.#batchId = batchId;
    this.#watch = watch;
    this.#outlet = new Outlet(call.response);
    this.#eventId = lastEventId(call);
  }

  async run(): Promise<void> {
    const { response, method } = this.#call;
    response.writeHead(200, HEADERS);
    if (method !== 'HEAD') {
      response.flushHeaders();
      await this.#tellUntilOver();
    }
    this.#call.facts.bytes = this.#outlet.sent;
    response.end();
  }

  async #tellUntilOver(): Promise<void> {
    let told = '';
    for (;;) {
      this.#watch.takeNews();
      const seen = await this.#look();
      // Deleted: it had ended, and whoever wants to know more asks for it and is told.
      if (seen === null) return;
      if (seen.key !== told && !(await this.#write('progress', seen.progress))) return;
      told = seen.key;
      if (seen.batch.status === 'ended') {
        await this.#write('ended', batchObject(this.#room, this.#call, seen.batch));
        return;
      }
      if (!(await this.#untilChanged())) return;
    }
  }

  /** The batch as it stands, and a key that is another when something worth telling is. */
  async #look() {
    const { catalog, clock, progress } = this.#room.services;
    this.#seenStates = this.#states();
    const batch = await catalog.batches.find(this.#caller.workspaceId, this.#batchId);
    if (batch === null) return null;
    const running = batch.status === 'ended' ? null : progress.details(batch.id);
    const { processing_status, request_counts } = batchObject(this.#room, this.#call, batch);
    const shown = progressObject({ batch, running, nowMs: clock.now() });
    const ledger = await this.#ledger(running);
    const event = { type: 'batch_progress', id: batch.id, processing_status, request_counts, progress: shown, ledger };
    // Rate and expected end move with every tick of the clock; alone they are no news.
    const lasting = { ...event, progress: { ...shown, results_per_second: null, eta: null } };
    return { batch, progress: event, key: JSON.stringify(lasting) };
  }

  async #ledger(running: RunningBatch | null) {
    const { batches } = this.#room.services.catalog;
    const ledger = running?.ledger ?? (await batches.account(this.#caller.workspaceId, this.#batchId))?.ledger ?? null;
    return ledger === null ? null : totalsObject(ledger.totals);
  }

  /** Rests, then waits for something to tell; false when there is nobody to tell any more. */
  async #untilChanged(): Promise<boolean> {
    await this.#watch.wait(REST_MS, 'end');
    while (!this.#watch.isOver) {
      if (this.#now() - this.#wroteMs >= KEEP_ALIVE_MS && !(await this.#send(': keep-alive\n\n'))) return false;
      // That a request was sent, or comes back unanswered, nobody tells of: it is looked for, in memory alone.
      if (this.#watch.takeNews() || this.#states() !== this.#seenStates) return true;
      await this.#watch.wait(REST_MS, 'news');
    }
    return false;
  }

  #states(): string {
    return JSON.stringify(this.#room.services.progress.details(this.#batchId)?.states ?? null);
  }

  async #write(event: string, data: unknown): Promise<boolean> {
    this.#eventId++;
    return this.#send(`event: ${event}\nid: ${this.#eventId}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async #send(text: string): Promise<boolean> {
    const stuck = this.#room.services.pace.after(STUCK_MS, () => this.#call.response.destroy());
    const isSent = await this.#outlet.write(text);
    stuck.cancel();
    this.#wroteMs = this.#now();
    return isSent && !this.#watch.isOver;
  }

  #now(): number {
    return this.#room.services.pace.now();
  }
}

/** Ids go on from what a client that comes back has seen last. */
function lastEventId(call: Call): number {
  const text = String(call.request.headers['last-event-id'] ?? '');
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
