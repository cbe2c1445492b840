import type { BatchRecord, RequestState } from '@batchwright/core';
import { resultSpan } from '../results/result-line.ts';
import { findCustomId } from '../spool/custom-id-search.ts';
import type { RequestLog, ResultReader, SettledLines } from '../spool/spool.ts';
import { findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { Outlet } from './outlet.ts';
import { json, refuse, SENT, type Reply } from './reply.ts';
import { openRequests, openResults } from './stored-requests.ts';

/**
 * `GET /ext/v1/batches/{id}/requests/{custom_id}`: a request as it was sent, byte for byte, and its result once it has
 * one. With `include=none` only whether there is such a request, and its state.
 */
export async function retrieveRequest(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const batch = await findBatch(room, call, params, caller);
  if (batch === null) return refuse({ type: 'batch_not_found', batchId: namedBatch(call, params) });
  const include = new URLSearchParams(call.query).get('include') ?? '';
  if (include !== '' && include !== 'none') return refuse(INCLUDE_WRONG);
  const opened = await openRequests(room, batch);
  if (opened.type === 'refused') return refuse(opened.problem);
  const { requests } = opened;
  try {
    const customId = params['custom_id'] ?? '';
    const request = findCustomId(requests.index, customId);
    if (request === null) {
      return refuse({ type: 'request_not_found', batchId: batch.id, customId: customId.slice(0, SHOWN) });
    }
    const found: Found = { customId, request, requests };
    return include === 'none' ? await answerHead(room, batch, found) : await answerWhole(room, call, batch, found);
  } finally {
    await requests.close();
  }
}

const INCLUDE_WRONG = {
  type: 'field_wrong',
  path: 'include',
  reason: `Input should be 'none', or left out for params and result`,
} as const;
/** Characters of a custom_id that are said back to whoever sent it. */
const SHOWN = 100;

interface Found {
  readonly customId: string;
  readonly request: number;
  readonly requests: RequestLog;
}

async function answerHead(room: Room, batch: BatchRecord, { customId, request }: Found): Promise<Reply> {
  const live = room.services.progress.requestState(batch.id, request);
  const state = live ?? (batch.status === 'ended' ? 'settled' : await storedState(room, batch, request));
  return json({ type: 'batch_request', custom_id: customId, state });
}

/** Of a batch that is not open here: whether the log has a line for the request. */
async function storedState(room: Room, batch: BatchRecord, request: number): Promise<RequestState> {
  const result = await openResultOf(room, batch, request);
  await result?.reader.close();
  return result === null ? 'pending' : 'settled';
}

async function answerWhole(room: Room, call: Call, batch: BatchRecord, found: Found): Promise<Reply> {
  const live = room.services.progress.requestState(batch.id, found.request);
  const isOpen = live !== null && live !== 'settled';
  const result = isOpen ? null : await openResultOf(room, batch, found.request);
  if (result === null && (live === 'settled' || batch.status === 'ended')) {
    return answerMoved(room, call, batch, found);
  }
  try {
    await sendRequest(call, found, result === null ? (live ?? 'pending') : 'settled', result);
  } finally {
    await result?.reader.close();
  }
  return SENT;
}

/** The request is settled, and its line was not to be had: the batch ended, or was archived or deleted, meanwhile. */
async function answerMoved(room: Room, call: Call, batch: BatchRecord, found: Found): Promise<Reply> {
  const now = await room.services.catalog.batches.find(batch.workspaceId, batch.id);
  if (now === null) return refuse({ type: 'batch_not_found', batchId: batch.id });
  if (now.archivedAtUs !== null) return refuse({ type: 'batch_archived', batchId: batch.id });
  if (now.status !== batch.status) return answerWhole(room, call, now, found);
  throw new Error(`The results of ${batch.id} have no line for request ${found.request}, which is settled.`);
}

interface StoredResult {
  readonly reader: ResultReader;
  /** Where its line lies. */
  readonly position: number;
  readonly lineBytes: number;
}

async function openResultOf(room: Room, batch: BatchRecord, request: number): Promise<StoredResult | null> {
  const reader = await openResults(room, batch);
  if (reader === null) return null;
  try {
    const line = lineOf(await room.services.spool.settledLines(batch.id, reader.bytes), request);
    if (line !== null) {
      await readThrough(reader, line.position, line.position + line.lineBytes);
      return { reader, ...line };
    }
  } catch (error) {
    await reader.close();
    throw error;
  }
  await reader.close();
  return null;
}

/** A line is checked as it is read; once it was, what is sent of it may leave out its end. */
async function readThrough(reader: ResultReader, from: number, to: number): Promise<void> {
  const part = new Uint8Array(Math.min(PART_BYTES, to - from));
  for (let position = from; position < to;) {
    const read = await reader.read(part.subarray(0, to - position), position);
    if (read === 0) throw new Error(`The results end at ${position}, before ${to}.`);
    position += read;
  }
}

const PART_BYTES = 256 * 1024;

function lineOf({ requests, lineBytes }: SettledLines, request: number) {
  const row = requests.indexOf(request);
  if (row === -1) return null;
  const position = lineBytes.subarray(0, row).reduce((sum, bytes) => sum + bytes, 0);
  return { position, lineBytes: lineBytes[row] ?? 0 };
}

/** The object is written around the bytes as they lie in the logs, which pass through two buffers and no parser. */
async function sendRequest(call: Call, found: Found, state: RequestState, result: StoredResult | null): Promise<void> {
  const { customId, request, requests } = found;
  const { response } = call;
  const paramsFrom = requests.index.paramsOffset[request] ?? 0;
  const paramsTo = paramsFrom + (requests.index.paramsBytes[request] ?? 0);
  const span = result === null ? { from: 0, to: 0 } : resultSpan(customId, result.lineBytes);
  const head = `{"type":"batch_request","custom_id":"${customId}","state":"${state}","params":`;
  const tail = result === null ? 'null}' : '}';
  const bytes = head.length + paramsTo - paramsFrom + BETWEEN.length + span.to - span.from + tail.length;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes });
  if (call.method === 'HEAD') {
    response.end();
    return;
  }
  const outlet = new Outlet(response);
  const body = { read: (target: Uint8Array, position: number) => requests.readBody(target, position) };
  const isSent =
    (await outlet.write(head)) &&
    (await outlet.pump(body, paramsFrom, paramsTo)) &&
    (await outlet.write(BETWEEN)) &&
    (result === null || (await outlet.pump(result.reader, result.position + span.from, result.position + span.to))) &&
    (await outlet.write(tail));
  call.facts.bytes = outlet.sent;
  if (isSent) response.end();
  else response.destroy();
}

const BETWEEN = ',"result":';
