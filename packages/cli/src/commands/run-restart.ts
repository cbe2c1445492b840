import { ServiceError, type BatchService, type RunRecord, type RunStore } from '@batchwright/client';
import type { MessageBatch } from '@batchwright/protocol';
import { openApi } from '../endpoint/endpoint.ts';
import type { EndpointChoice } from '../endpoint/endpoint-choice.ts';
import type { Host } from '../host.ts';
import { counted } from '../output/figures.ts';
import { KeptRunError, openBatchIds, removeServerData } from './kept-run.ts';

/** What `--restart` is about. */
export interface Restart {
  readonly record: RunRecord;
  readonly store: RunStore;
  readonly runDir: string;
  readonly endpoint: EndpointChoice;
  /** The API the kept run's batches are at, as its identity names it. */
  readonly keptServer: string | undefined;
  /** Whether batches under way are canceled; else they keep the run from being forgotten. */
  readonly cancels: boolean;
  readonly say: (line: string) => void;
}

/** Forgets the run that is kept. What is still under way of it would be paid for and never read, so it is looked for first. */
export async function restartRun(restart: Restart, host: Host): Promise<void> {
  const { record, store, runDir, endpoint, keptServer } = restart;
  const ids = record.finishedAtMs === null && keptServer !== 'simulated' ? openBatchIds(record) : [];
  if (ids.length > 0 && (endpoint.type === 'simulated' || endpoint.baseUrl !== keptServer)) {
    throw new KeptRunError(
      `batches of the run in ${runDir} are at ${keptServer ?? 'another server'}. Add --server ${keptServer ?? 'URL'} to settle what becomes of them.`,
    );
  }
  if (endpoint.type === 'api' && record.hasSent) {
    const api = await openApi(endpoint, host);
    try {
      if (ids.length > 0) await settleOpen(restart, api.service, ids);
      else await askAnything(api.service);
    } finally {
      await api.close();
    }
  }
  await store.clear();
  await removeServerData(runDir);
}

/** Rejects where the new run would fail at once, with a wrong key say: then nothing is to be forgotten for it. */
async function askAnything(service: BatchService): Promise<void> {
  await service.newest()[Symbol.asyncIterator]().next();
}

async function settleOpen({ cancels, runDir, say }: Restart, service: BatchService, ids: OpenIds): Promise<void> {
  const underWay: string[] = [];
  for (const id of ids) {
    const standing = id === null ? null : await standingOf(service, id);
    if (id !== null && standing === 'in_progress') underWay.push(id);
    if (standing !== 'gone' || cancels) continue;
    throw new KeptRunError(
      `${service.name} knows no batch ${id} of the run in ${runDir}: it was deleted, or the key is of another workspace. Use the key it was created with, or add --cancel-old to forget it.`,
    );
  }
  const batches = counted(underWay.length, 'batch', 'batches');
  if (ids.includes(null) && !cancels) {
    throw new KeptRunError(
      `a batch of the run in ${runDir} may have been created without an answer. The same command without --restart finds out; --cancel-old forgets it all the same.`,
    );
  }
  if (underWay.length === 0) return;
  if (!cancels) {
    throw new KeptRunError(
      `${batches} of the run in ${runDir} ${underWay.length === 1 ? 'is' : 'are'} still under way at ${service.name}. Leave --restart out to go on with it, or add --cancel-old to cancel them.`,
    );
  }
  for (const id of underWay) await service.cancel(id);
  say(`Canceled ${batches} of the run before: ${underWay.join(', ')}.`);
}

type OpenIds = readonly (string | null)[];

async function standingOf(service: BatchService, id: string): Promise<MessageBatch['processing_status'] | 'gone'> {
  try {
    return (await service.retrieve(id)).batch.processing_status;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 404) return 'gone';
    throw error;
  }
}
