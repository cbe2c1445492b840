/**
 * The spool without a disk, for tests and for simulations that must replay. It keeps the contract in the plainest way
 * there is, so that it can serve as the oracle for the spool of files. Nothing here survives the process.
 */
import assert from 'node:assert/strict';
import { RESULT_TYPES, type BatchId } from '@batchwright/protocol';
import { checkBatchId } from '../batch-id-check.ts';
import { lostLog } from '../lost-log.ts';
import { checkChunk } from '../result-chunk.ts';
import { CustomIds, type RequestIndex } from '@batchwright/scan';
import {
  REQUEST_BLOCK_BYTES,
  type RequestLog,
  type RequestLogWriter,
  type ResultChunk,
  type ResultLog,
  type ResultReader,
  type ResultRow,
  type SettledLines,
  type Spool,
} from '../spool.ts';

interface MemoryBatch {
  body: Uint8Array;
  index: RequestIndex | null;
  plan: Uint8Array<ArrayBuffer> | null;
  /** Null until somebody opened the results for appending. */
  results: { readonly lines: Uint8Array[]; readonly rows: ResultRow[]; epoch: number; owner: object | null } | null;
}

/** An empty spool in memory. */
export function createMemorySpool(): Spool {
  const batches = new Map<BatchId, MemoryBatch>();
  const find = (batchId: BatchId): MemoryBatch => {
    checkBatchId(batchId);
    const batch = batches.get(batchId);
    if (batch === undefined) throw new Error(`the spool has no batch ${batchId}`);
    return batch;
  };
  const readResults = async (batchId: BatchId): Promise<ResultReader | null> => {
    checkBatchId(batchId);
    const results = batches.get(batchId)?.results;
    return results ? resultReader(Buffer.concat(results.lines)) : null;
  };
  return {
    async createRequestLog(batchId) {
      checkBatchId(batchId);
      if (batches.has(batchId)) throw new Error(`the spool has a batch ${batchId} already`);
      const batch: MemoryBatch = { body: new Uint8Array(0), index: null, plan: null, results: null };
      batches.set(batchId, batch);
      return requestLogWriter(batch, () => batches.delete(batchId));
    },
    openRequestLog: async (batchId) => requestLog(find(batchId)),
    async openResultLog(batchId, shard, epoch) {
      assert(shard === 0, `a batch in memory is one shard, number 0, and not ${shard}`);
      return resultLog(find(batchId), epoch);
    },
    readResults,
    // What was committed here is as durable as it will ever be.
    readDurableResults: readResults,
    async settledLines(batchId, bytes) {
      checkBatchId(batchId);
      return settledLines(batches.get(batchId)?.results?.rows ?? [], bytes);
    },
    async remove(batchId) {
      checkBatchId(batchId);
      batches.delete(batchId);
    },
    list: async () => [...batches.keys()],
    close: async () => undefined,
  };
}

function requestLogWriter(batch: MemoryBatch, remove: () => void): RequestLogWriter {
  const blocks: Uint8Array[] = [];
  let closed = false;
  return {
    async append(block) {
      assert(!closed, 'append after commit or discard');
      const last = blocks.at(-1);
      assert(
        last === undefined || last.length === REQUEST_BLOCK_BYTES || block.length === 0,
        'only the last block may be short',
      );
      assert(
        block.length <= REQUEST_BLOCK_BYTES,
        `block of ${block.length} bytes is larger than ${REQUEST_BLOCK_BYTES}`,
      );
      if (block.length > 0) blocks.push(Uint8Array.from(block));
    },
    async commit(index, plan = null) {
      assert(!closed, 'commit after commit or discard');
      closed = true;
      batch.body = Buffer.concat(blocks);
      batch.index = copied(index);
      batch.plan = plan === null ? null : Uint8Array.from(plan);
    },
    async discard() {
      closed = true;
      remove();
    },
  };
}

/** The index as it is now: its arrays are the caller's. */
function copied({ count, paramsOffset, paramsBytes, traits, customIds }: RequestIndex): RequestIndex {
  return {
    count,
    paramsOffset: paramsOffset.slice(),
    paramsBytes: paramsBytes.slice(),
    traits: traits.slice(),
    customIds: new CustomIds(customIds.lengths.slice(), customIds.bytes.slice()),
  };
}

function requestLog(batch: MemoryBatch): RequestLog {
  const { body, index, plan } = batch;
  if (index === null) throw new Error('the batch was never committed');
  const peekParams = (request: number): Uint8Array => {
    const offset = index.paramsOffset[request];
    const length = index.paramsBytes[request];
    assert(offset !== undefined && length !== undefined, `no request ${request} among ${index.count}`);
    return body.subarray(offset, offset + length);
  };
  return {
    index,
    plan,
    peekParams,
    readParams: async (request) => peekParams(request),
    releaseParams: () => undefined,
    readBody: async (target, position) => copyPart(body, target, position),
    close: async () => undefined,
  };
}

function resultLog(batch: MemoryBatch, epoch: number): ResultLog {
  if (batch.index === null) throw new Error('the batch was never committed');
  const results = (batch.results ??= { lines: [], rows: [], epoch, owner: null });
  if (results.owner !== null && results.epoch > epoch) return lostLog;
  const owner = {};
  Object.assign(results, { owner, epoch });
  const isSettled = new Uint8Array(batch.index.count);
  for (const { request } of results.rows) isSettled[request] = 1;
  return {
    settled: settledLines(results.rows, Infinity),
    findings: { lost: 0, adopted: 0 },
    lastSyncSeconds: 0,
    async commit(chunk: ResultChunk) {
      if (results.owner !== owner) return 'lost';
      checkChunk(chunk, isSettled);
      results.lines.push(Uint8Array.from(chunk.lines));
      for (const row of chunk.rows) results.rows.push(row);
      for (const { request } of chunk.rows) isSettled[request] = 1;
      return 'written';
    },
    async close() {
      if (results.owner === owner) results.owner = null;
    },
  };
}

function settledLines(rows: readonly ResultRow[], bytes: number): SettledLines {
  let end = 0;
  const within = rows.filter((row) => (end += row.lineBytes) <= bytes);
  return {
    requests: Uint32Array.from(within, ({ request }) => request),
    types: Uint8Array.from(within, ({ type }) => RESULT_TYPES.indexOf(type)),
    lineBytes: Uint32Array.from(within, ({ lineBytes }) => lineBytes),
  };
}

function resultReader(bytes: Uint8Array): ResultReader {
  return {
    bytes: bytes.length,
    read: async (target, position) => copyPart(bytes, target, position),
    close: async () => undefined,
  };
}

function copyPart(bytes: Uint8Array, target: Uint8Array, position: number): number {
  const part = bytes.subarray(position, position + target.length);
  target.set(part);
  return part.length;
}
