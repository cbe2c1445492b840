import { messageBatch, type BatchRecord } from '@batchwright/core';
import type { BatchId, MessageBatch } from '@batchwright/protocol';
import type { Call, Caller, Params, Room } from './call.ts';
import { resultsUrl } from './public-url.ts';

/** The batch a path names, as the caller's workspace sees it: null for missing, deleted and everybody else's. */
export async function findBatch(room: Room, call: Call, params: Params, caller: Caller): Promise<BatchRecord | null> {
  const id = namedBatch(call, params);
  return isPlausibleId(id) ? room.services.catalog.batches.find(caller.workspaceId, id) : null;
}

/** The id a path names, noted for the log only when it has the form of ours: what else stands there is the client's text. */
export function namedBatch(call: Call, params: Params): BatchId {
  const id = (params['message_batch_id'] ?? '') as BatchId;
  if (/^msgbatch_[0-9A-Za-z]{1,64}$/.test(id)) call.facts.batchId = id;
  return id;
}

/** Ids are opaque, but no catalog ever made one with other characters; those need not reach a store or a log. */
export function isPlausibleId(id: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(id);
}

/** The batch as this caller's response shows it. */
export function batchObject(room: Room, call: Call, batch: BatchRecord): MessageBatch {
  const { progress, settings } = room.services;
  return messageBatch(batch, {
    liveCounts: progress.counts(batch.id),
    resultsUrl: resultsUrl(call.request, settings, batch.id),
  });
}
