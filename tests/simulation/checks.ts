import { BATCH_LIFETIME_MS, type BatchResultLine } from '@batchwright/protocol';
import { checkLedger, checkUsage } from './ledger-checks.ts';
import type { Promised } from './promised.ts';
import { CONCURRENCY } from './server-process.ts';
import type { World } from './world.ts';

/**
 * What must hold at the end of every history, whatever happened in it. Stated first, coded once:
 *
 * - no request lost, none settled twice: every custom_id exactly once in the results;
 * - counters equal the rows, and the batch ended; what was shown of the results while it ran is what they begin with;
 * - a success is an answer the upstream gave to that very request, in full, with the usage it gave; a refused one errored;
 * - nothing canceled that nobody canceled, nothing expired before its time;
 * - after a cancel was accepted, and after expiry, nothing of the batch was sent;
 * - the ledgers are those of the results, and of nothing else: the upstream's own bill for what was kept of its answers;
 * - the bound on calls in flight held at every instant;
 * - no batch is stored but those that were created, and of the deleted nothing is left.
 */
export async function violations(world: World): Promise<readonly string[]> {
  const found = [...world.violations];
  if (world.upstream.peakInFlight > CONCURRENCY) found.push(`${world.upstream.peakInFlight} calls were in flight`);
  for (const { id } of await world.unknownBatches()) found.push(`${id} was created by nobody`);
  for (const batch of world.promised) await checkBatch(world, batch, found);
  await checkStored(world, found);
  await checkUsage(world, found);
  return found;
}

/** What must hold of one batch once it should have ended. */
export async function checkBatch(world: World, batch: Promised, found: string[]): Promise<void> {
  checkCalls(world, batch, found);
  if (!batch.deleted) await checkResults(world, batch, found);
}

function checkCalls(world: World, batch: Promised, found: string[]): void {
  const { fromCall, toCall, cancelledAtCall, createdAtMs } = batch;
  for (const prompt of batch.customIds) {
    for (const { index, atMs, leapMs } of world.upstream.calls.get(prompt) ?? []) {
      if (index < fromCall || index >= toCall) continue;
      if (cancelledAtCall !== null && index >= cancelledAtCall) found.push(`${prompt} sent after cancel`);
      // Batches expire to the microsecond, and a clock has milliseconds.
      if (atMs - leapMs > Math.ceil(createdAtMs + BATCH_LIFETIME_MS)) found.push(`${prompt} sent after expiry`);
    }
  }
}

async function checkResults(world: World, batch: Promised, found: string[]): Promise<void> {
  const record = await world.record(batch);
  if (record?.status !== 'ended') return void found.push(`${batch.id} never ended`);
  if (record.archivedAtUs !== null) return;
  const text = await world.results(batch).catch((error: unknown) => String(error));
  if (text?.endsWith('\n') !== true) return void found.push(`${batch.id} has no results: ${text}`);
  if (!text.startsWith(batch.shown)) found.push(`results of ${batch.id} were shown and taken back`);
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
  checkLedger(world, batch, await world.ledger(batch), rows, found);
  // A clock that is set back between an expiry and the end that it brings shows the end too early.
  const endedAtMs = world.counts.clockSteps > 0 ? world.latestMs : (record.endedAtUs ?? 0) / 1000;
  for (const row of rows) checkRow(world, batch, row, endedAtMs, found);
}

function checkRow(world: World, batch: Promised, row: BatchResultLine, endedAtMs: number, found: string[]): void {
  const { custom_id: id, result } = row;
  if (result.type === 'succeeded') {
    if (id.includes('refuse-me')) found.push(`${id} succeeded although it was refused`);
    checkAnswer(world, id, result.message, found);
  }
  if (result.type === 'errored' && !id.includes('refuse-me')) found.push(`${id} errored: ${JSON.stringify(result)}`);
  if (result.type === 'canceled' && !batch.cancelAsked) found.push(`${id} canceled by nobody`);
  if (result.type === 'expired' && endedAtMs < batch.createdAtMs + BATCH_LIFETIME_MS) found.push(`${id} expired early`);
}

interface Answered {
  readonly content?: readonly { readonly text?: string }[];
  readonly usage?: { readonly input_tokens?: number };
}

/** The text names the answer and its prompt; the bill says what that answer was. */
function checkAnswer(world: World, id: string, message: unknown, found: string[]): void {
  const { content = [], usage } = message as Answered;
  const [, serial, prompt] = /^answer (\S+) to (.*)$/.exec(content[0]?.text ?? '') ?? [];
  const billed = world.upstream.bill.get(Number(serial));
  if (prompt !== id || billed?.prompt !== id) return void found.push(`${id} has somebody else's answer`);
  if ((content[1]?.text?.length ?? 0) !== billed.paddingBytes) found.push(`${id} has a part of its answer`);
  if (usage?.input_tokens !== billed.usage['input_tokens']) found.push(`${id} has another answer's usage`);
}

/** Segments without a batch are removed at start-up and after a deletion, and the history ends with a start. */
async function checkStored(world: World, found: string[]): Promise<void> {
  for (const id of await world.storedSpool().list()) {
    if (!(await world.catalog.batches.exists(id))) found.push(`${id} is deleted or unknown, and its files are there`);
  }
}
