import type { BatchRecord } from '@batchwright/core';
import { POLL_RETRY_AFTER_SECONDS, type BatchId, type Problem } from '@batchwright/protocol';
import { isLineStart, pageEnd } from '../results/result-page.ts';
import type { ResultReader } from '../spool/spool.ts';
import { findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { GONE, refuse, SENT, type Reply } from './reply.ts';
import { readCursor, writeCursor } from './results-cursor.ts';
import { RESULTS_CONTENT_TYPE, sendLines } from './results-call.ts';
import { openResults } from './stored-requests.ts';
import type { Watch } from './watches.ts';

/** Of one answer: enough to be quick, and soon over when a connection breaks. */
const PAGE_BYTES = 8 * 1024 * 1024;
const LONGEST_WAIT_SECONDS = 60;

/**
 * `GET /ext/v1/batches/{id}/results`: the results that are durable so far, from a cursor on: the very lines, in the very
 * order, of the results file. A line once shown is never taken back, and a cursor holds for as long as the file does.
 */
export async function downloadPartialResults(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const batchId = namedBatch(call, params);
  if ((await findBatch(room, call, params, caller)) === null) return refuse({ type: 'batch_not_found', batchId });
  const asked = readAsked(call.query, batchId);
  if (asked.type === 'refused') return refuse(asked.problem);
  const watch = asked.waitMs === 0 ? null : room.watches.open(batchId, call.response);
  try {
    return await answerOnceThere(room, call, params, caller, asked, watch);
  } finally {
    watch?.close();
  }
}

/** Looks, and looks again whenever there is news, until there is something to send or the wait is over. */
async function answerOnceThere(
  room: Room,
  call: Call,
  params: Params,
  caller: Caller,
  asked: Asked,
  watch: Watch | null,
): Promise<Reply> {
  const { pace } = room.services;
  const batchId = namedBatch(call, params);
  const giveUpMs = pace.now() + asked.waitMs;
  for (;;) {
    watch?.takeNews();
    const batch = await findBatch(room, call, params, caller);
    if (batch === null) return refuse({ type: 'batch_not_found', batchId });
    const mayWait = watch !== null && !watch.isOver && pace.now() < giveUpMs;
    const reply = await answerNow(room, call, batch, asked, mayWait);
    if (reply !== 'nothing_yet') return reply;
    await watch?.wait(giveUpMs - pace.now(), 'news');
    if (call.response.destroyed) return GONE;
  }
}

async function answerNow(
  room: Room,
  call: Call,
  batch: BatchRecord,
  asked: Asked,
  mayWait: boolean,
): Promise<Reply | 'nothing_yet'> {
  const { id } = batch;
  const hasEnded = batch.status === 'ended';
  const isArchived = batch.archivedAtUs !== null;
  const reader = isArchived ? null : await openResults(room, batch);
  if (reader === null && hasEnded) return refuse({ type: 'results_not_available', batchId: id });
  try {
    const bytes = reader?.bytes ?? 0;
    // Of a log that is being recovered less may be certain than was shown before; what comes next is not there yet then.
    const isBeyond = asked.from > bytes;
    const isPlace = isBeyond ? !hasEnded : reader === null || (await isLineStart(reader, asked.from));
    if (!isPlace) return refuse(noCursor(asked.cursor));
    const end = reader === null || isBeyond ? asked.from : await pageEnd(reader, asked.from, asked.bounds);
    const isComplete = hasEnded && end === bytes;
    if (end === asked.from && !isComplete && mayWait) return 'nothing_yet';
    await sendPage(room, call, reader, { batchId: id, from: asked.from, end, isComplete });
    return SENT;
  } finally {
    await reader?.close();
  }
}

interface Page {
  readonly batchId: BatchId;
  readonly from: number;
  readonly end: number;
  /** Nothing follows, now or later. */
  readonly isComplete: boolean;
}

async function sendPage(room: Room, call: Call, reader: ResultReader | null, page: Page): Promise<void> {
  const { batchId, from, end, isComplete } = page;
  const { response } = call;
  if (isComplete) response.setHeader('batchwright-complete', 'true');
  else if (end === from) response.setHeader('retry-after', POLL_RETRY_AFTER_SECONDS);
  response.writeHead(200, {
    'content-type': RESULTS_CONTENT_TYPE,
    'content-length': end - from,
    'cache-control': 'no-store',
    'batchwright-cursor': writeCursor(batchId, end),
  });
  if (call.method === 'HEAD' || reader === null || end === from) {
    response.end();
    return;
  }
  await sendLines(room, call, reader, { from, to: end });
}

interface Asked {
  readonly type: 'asked';
  readonly from: number;
  readonly cursor: string;
  readonly bounds: { readonly lines: number | null; readonly bytes: number };
  readonly waitMs: number;
}

/** Reads `cursor`, `limit` and `wait`; an empty one is none, and whatever else a query holds is ignored. */
function readAsked(query: string, batchId: BatchId): Asked | { readonly type: 'refused'; readonly problem: Problem } {
  const params = new URLSearchParams(query);
  const cursor = params.get('cursor') ?? '';
  const from = cursor === '' ? 0 : readCursor(batchId, cursor);
  if (from === null) return { type: 'refused', problem: noCursor(cursor) };
  const limit = params.get('limit') ?? '';
  const lines = limit === '' ? null : Number(limit);
  if (lines !== null && !(/^\d{1,9}$/.test(limit) && lines >= 1)) {
    return wrong('limit', 'Input should be a whole number of lines from 1 on');
  }
  const wait = params.get('wait') ?? '';
  const seconds = wait === '' ? 0 : Number(wait);
  if (!/^(?:\d{1,2}(?:\.\d{1,3})?)?$/.test(wait) || seconds > LONGEST_WAIT_SECONDS) {
    return wrong('wait', `Input should be a number of seconds from 0 to ${LONGEST_WAIT_SECONDS}`);
  }
  return { type: 'asked', from, cursor, bounds: { lines, bytes: PAGE_BYTES }, waitMs: seconds * 1000 };
}

/** Characters of a cursor that are said back to whoever sent it. */
const SHOWN = 100;

function noCursor(cursor: string): Problem {
  const reason =
    `\`${cursor.slice(0, SHOWN)}\` is not a place in the results of this batch. ` +
    'Send the `batchwright-cursor` of an answer as it was, or none to begin with the first line';
  return { type: 'field_wrong', path: 'cursor', reason };
}

function wrong(path: string, reason: string): { readonly type: 'refused'; readonly problem: Problem } {
  return { type: 'refused', problem: { type: 'field_wrong', path, reason } };
}
