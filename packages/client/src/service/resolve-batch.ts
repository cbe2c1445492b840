import { ServiceError, type BatchService } from './batch-service.ts';

const PREFIX = 'msgbatch_';
/** An id this long is whole: the prefix, and the 24 characters that the API's ids have. */
const WHOLE_CHARACTERS = PREFIX.length + 24;
/** Batches that are looked through for one that begins as was said. */
const MOST_LOOKED_AT = 10_000;
const MOST_NAMED = 5;

/**
 * The id of the batch that somebody means: a whole id, which is not looked for, or as much of one as no other batch begins
 * with, with `msgbatch_` or without. Rejects with a `ServiceError` that names the candidates, or says that there are none.
 */
export async function resolveBatch(service: BatchService, text: string, signal?: AbortSignal): Promise<string> {
  const id = text.trim();
  if (!/^[\w-]+$/.test(id)) throw unresolved(`${JSON.stringify(text)} is no batch id.`);
  if (id.startsWith(PREFIX) && id.length >= WHOLE_CHARACTERS) return id;
  const found = await candidates(service, id, signal);
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (found.length === 0) {
    throw unresolved(`No batch at ${service.name} begins with ${id}. \`batchwright list\` shows those there are.`);
  }
  const named = found.slice(0, MOST_NAMED).join(', ');
  const more = found.length > MOST_NAMED ? ', …' : '';
  throw unresolved(`Several batches at ${service.name} begin with ${id}: ${named}${more}. Write more of the id.`);
}

async function candidates(service: BatchService, id: string, signal?: AbortSignal): Promise<readonly string[]> {
  const found: string[] = [];
  let looked = 0;
  for await (const batch of service.newest(signal)) {
    // Other servers' ids may be short: one that is exactly what was said is meant, whatever else begins so.
    if (batch.id === id) return [id];
    if (batch.id.startsWith(id) || batch.id.startsWith(PREFIX + id)) found.push(batch.id);
    if (++looked >= MOST_LOOKED_AT || found.length > MOST_NAMED) break;
  }
  return found;
}

function unresolved(message: string): ServiceError {
  return new ServiceError(message, { status: null, type: null });
}
