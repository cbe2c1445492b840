import { BATCH_LIFETIME_MS, type BatchResultLine } from '@batchwright/protocol';
import { checkLedger, checkUsage } from './ledger-checks.ts';
import { CONCURRENCY, type Promised, type World } from './world.ts';

/**
 * What must hold at the end of every history, whatever happened in it. Stated first, coded once:
 *
 * - no request lost, none settled twice: every custom_id exactly once in the results;
 * - counters equal the rows, and the batch ended;
 * - a success is an answer the upstream gave to that very request; a refused request errored;
 * - nothing canceled that nobody canceled, nothing expired before its time;
 * - after a cancel was accepted, and after expiry, nothing of the batch was sent;
 * - the ledgers are those of the results, and of nothing else;
 * - the bound on calls in flight held at every instant;
 * - no batch is stored but those that were created. Prompts name batches, so one that the world did not know of would
 *   have its calls held against another.
 */
export async function violations(world: World): Promise<readonly string[]> {
  const found = [...world.violations];
  if (world.upstream.peakInFlight > CONCURRENCY) found.push(`${world.upstream.peakInFlight} calls were in flight`);
  for (const { id } of await world.unknownBatches()) found.push(`${id} was created by nobody`);
  for (const batch of world.promised) {
    checkCalls(world, batch, found);
    if (!batch.deleted) await checkResults(world, batch, found);
  }
  await checkUsage(world, found);
  return found;
}

function checkCalls(world: World, batch: Promised, found: string[]): void {
  const own = new Set(batch.customIds);
  world.upstream.calls.forEach((call, index) => {
    if (!own.has(call.prompt)) return;
    if (batch.cancelledAtCall !== null && index >= batch.cancelledAtCall)
      found.push(`${call.prompt} sent after cancel`);
    if (call.startedAtMs >= batch.createdAtMs + BATCH_LIFETIME_MS) found.push(`${call.prompt} sent after expiry`);
  });
}

async function checkResults(world: World, batch: Promised, found: string[]): Promise<void> {
  const record = await world.record(batch);
  const text = await world.results(batch);
  if (record === null || record.status !== 'ended' || text === null) {
    found.push(`${batch.id} never ended`);
    return;
  }
  const rows = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as BatchResultLine);
  const ids = rows.map((row) => row.custom_id).sort();
  if (ids.join() !== [...batch.customIds].sort().join()) found.push(`${batch.id} has rows ${ids.join()}`);
  for (const type of ['succeeded', 'errored', 'canceled', 'expired'] as const) {
    const tally = rows.filter((row) => row.result.type === type).length;
    if (tally !== record.counts[type]) found.push(`${batch.id} counts ${record.counts[type]} ${type} and has ${tally}`);
  }
  checkLedger(batch, await world.ledger(batch), rows, found);
  for (const row of rows) checkRow(batch, row, (record.endedAtUs ?? 0) / 1000, found);
}

function checkRow(batch: Promised, row: BatchResultLine, endedAtMs: number, found: string[]): void {
  const { custom_id: id, result } = row;
  if (result.type === 'succeeded') {
    if (id.includes('refuse-me')) found.push(`${id} succeeded although it was refused`);
    if (!JSON.stringify(result.message).includes(`answer to ${id}"`)) found.push(`${id} has somebody else's answer`);
  }
  if (result.type === 'errored' && !id.includes('refuse-me')) found.push(`${id} errored: ${JSON.stringify(result)}`);
  if (result.type === 'canceled' && !batch.cancelAsked) found.push(`${id} canceled by nobody`);
  if (result.type === 'expired' && endedAtMs < batch.createdAtMs + BATCH_LIFETIME_MS) found.push(`${id} expired early`);
}
