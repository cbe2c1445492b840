import { assert } from '@batchwright/core';
import type { MessageBatch } from '@batchwright/protocol';
import type { BatchRecord, BatchState } from '../journal/run-record.ts';
import { ServiceError, type ServiceExtras } from '../service/batch-service.ts';
import { appendChecked, wrongResults } from './downloads.ts';
import { LineCutter } from './result-lines.ts';
import { BatchFaultError } from './run-errors.ts';
import type { RunState } from './run-state.ts';
import { shifted } from './service-calls.ts';

const FIRST_POLL_MS = 1000;
const MOST_POLL_MS = 30_000;
/** The end of a batch is noticed late by such a part of how long it took. */
const POLL_SHARE = 0.1;
/** Limits on calls are an account's, at the least 50 a minute: many batches are each asked about less often. */
const CROWD_BATCHES = 5;
const CROWD_POLL_MS = 2000;
/** A batch that was just created, or results of one that just ended, may not be seen everywhere at once. */
const NOT_SEEN_MS = 10_000;
const NOT_SEEN_TRIES = 7;
/** A server that has nothing new is not asked again before; one that waits for news by itself takes longer anyway. */
const NOTHING_NEW_MS = 1000;

type Under = Extract<BatchState, { readonly type: 'sent' | 'ended' }>;

/**
 * Follows a batch that was sent until its results are here and taken. `once`: only looks whether it has ended, and leaves
 * it alone when it has not.
 */
export async function follow(run: RunState, number: number, once: boolean): Promise<void> {
  const batch = run.journal.record.batch(number);
  const state = stateOf(batch);
  if (state.type === 'sent') {
    const { extras } = run.service;
    if (extras !== null && !once && !state.isAdopted) {
      await takeAsTheyCome(run, batch, extras);
      return;
    }
    const ended = await untilEnded(run, batch, once);
    if (ended === null) return;
    await run.journal.note({ type: 'ended', batch: number, counts: ended.request_counts });
    run.settings.reached('ended');
  }
  await download(run, number);
}

/** The batch once it has ended; null: it has not, or it never was ours. */
async function untilEnded(run: RunState, batch: BatchRecord, once: boolean): Promise<MessageBatch | null> {
  const { calls, service, settings, status, random } = run;
  const state = stateOf(batch);
  for (let waitedMs = 0; ;) {
    await calls.turn();
    settings.reached('before_poll');
    const found = await seen(run, state.id, (signal) => service.retrieve(state.id, signal));
    if (found === null) {
      await gone(run, batch);
      return null;
    }
    status.saw(batch.plan.number, found.batch);
    if (found.batch.processing_status === 'ended') return found.batch;
    if (once) return null;
    // A clock that was set back makes no batch young again.
    const ageMs = Math.max(waitedMs, settings.clock.now() - state.sinceMs);
    const pollMs = Math.min(MOST_POLL_MS, Math.max(FIRST_POLL_MS, ageMs * POLL_SHARE));
    const waitMs = found.retryAfterMs ?? Math.max(shifted(pollMs, random), crowdWait(run));
    await calls.pause(waitMs);
    waitedMs += waitMs;
  }
}

function crowdWait({ journal }: RunState): number {
  const followed = journal.record.batches.filter(({ state }) => state.type === 'sent').length;
  return CROWD_POLL_MS * Math.max(0, followed - CROWD_BATCHES);
}

/** What a call answers; null: the server knows nothing of it, and not only for a moment. */
async function seen<Value>(
  run: RunState,
  id: string,
  call: (signal: AbortSignal) => Promise<Value>,
): Promise<Value | null> {
  const { calls, service, settings, status } = run;
  const untilMs = settings.clock.now() + (NOT_SEEN_TRIES - 1) * NOT_SEEN_MS;
  for (let tries = 1; ; tries++) {
    try {
      const value = await calls.make(call);
      if (tries > 1) status.callWaits(null);
      return value;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 404) throw error;
      if (tries === NOT_SEEN_TRIES) return null;
      status.callWaits(`${id} is not known to ${service.name}; asking again until ${timeOfDay(untilMs)}`);
      await calls.pause(NOT_SEEN_MS);
    }
  }
}

/** `13:05`, where the run is. */
function timeOfDay(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 5);
}

/** What was only taken for ours is another's that was removed; ours is missed. */
async function gone(run: RunState, batch: BatchRecord): Promise<void> {
  const state = stateOf(batch);
  if (state.isAdopted) {
    await run.journal.note({ type: 'not_sent', batch: batch.plan.number, reason: `${state.id} is gone` });
    return;
  }
  throw new BatchFaultError(
    `${run.service.name} knows no batch ${state.id} (batch ${batch.plan.number + 1} of the run) any more: it was deleted, ` +
      'its results were archived, or the key is of another workspace; use the key it was created with, or clear the store, ' +
      'which forgets the run, and begin it anew',
    'gone',
    state.id,
  );
}

async function download(run: RunState, number: number): Promise<void> {
  const { journal, downloads, intake, settings } = run;
  const batch = journal.record.batch(number);
  const state = stateOf(batch);
  const download = await seen(run, state.id, () => downloads.fetch(batch, state.id));
  if (download === null) {
    await gone(run, batch);
    return;
  }
  if (download.type === 'wrong') {
    // A file that is only damaged proves nothing: given up for it, a batch of ours would be sent again.
    if (!state.isAdopted || !download.isForeign) throw wrongResults(batch, state.id, download.reason);
    // What was taken for ours is another's; its results are not.
    await run.logs.empty(number);
    await journal.note({ type: 'not_sent', batch: number, reason: `${state.id} is not ours: ${download.reason}` });
    return;
  }
  await journal.note({ type: 'downloaded', batch: number, bytes: download.bytes });
  settings.reached('downloaded');
  await intake.takeAll(journal.record.batch(number), download.bytes);
  run.news.tell();
}

/** Takes results from a Batchwright while the batch runs: a line it shows is durable there, and stays as it is. */
async function takeAsTheyCome(run: RunState, batch: BatchRecord, extras: ServiceExtras): Promise<void> {
  const { logs, journal, service, settings } = run;
  const { number } = batch.plan;
  const state = stateOf(batch);
  await logs.empty(number);
  const bytes = await logs.use(number, async (log) => {
    const check = run.downloads.begin(batch);
    for (let cursor: string | null = null; ;) {
      const askedAtMs = settings.clock.now();
      settings.reached('before_poll');
      const page = await seen(run, state.id, (signal) => extras.partialResults(state.id, cursor, signal));
      if (page === null) return null;
      cursor = page.cursor;
      const lines = [...new LineCutter().cut(page.bytes)];
      let offset = log.size;
      const wrong = await appendChecked(lines, check, log);
      if (wrong !== null) throw wrongResults(batch, state.id, wrong);
      for (const line of lines) {
        const taken = run.intake.take(batch, line, offset);
        if (taken !== null) await taken;
        offset += line.length + 1;
      }
      if (lines.length > 0) {
        settings.reached('downloading');
        run.status.came(number, batch.plan.requests - check.missing);
      }
      if (page.isComplete) {
        if (check.missing > 0) throw wrongResults(batch, state.id, `${check.missing} results are missing`);
        await log.sync();
        return log.size;
      }
      if (lines.length === 0) await run.calls.pause(Math.max(0, NOTHING_NEW_MS - (settings.clock.now() - askedAtMs)));
    }
  });
  const found = bytes === null ? null : await seen(run, state.id, (signal) => service.retrieve(state.id, signal));
  if (bytes === null || found === null) {
    await gone(run, batch);
    return;
  }
  await journal.note({ type: 'ended', batch: number, counts: found.batch.request_counts });
  settings.reached('ended');
  await journal.note({ type: 'downloaded', batch: number, bytes });
  settings.reached('downloaded');
}

function stateOf({ plan, state }: BatchRecord): Under {
  assert(state.type === 'sent' || state.type === 'ended', () => `batch ${plan.number} is ${state.type} and followed`);
  return state;
}
