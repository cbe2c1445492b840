import type { BatchResultLine, MessageBatch } from '@batchwright/protocol';
import { list, results, retrieve } from '../harness/batches.ts';
import { message } from '../harness/scripted-upstream.ts';
import { answerText } from './crash-batches.ts';
import { answerTo, type UpstreamCall } from './counting-upstream.ts';
import { CONCURRENCY, type CrashRound, type Kill, type Submitted } from './crash-round.ts';
import { until, type ServerProcess } from './server-process.ts';

/**
 * An answer is durable when this many polls were sent after it and answered, or the disk hangs: results are committed
 * every 5 to 25 ms, and a commit is two syncs. On a quiet machine that is a second, far more than it takes. It is counted in polls
 * and not in seconds because on a busy one the server may stand still for seconds, and then it answers no poll either.
 */
const COMMITTED_AFTER_POLLS = 200;

/** Everything a crash must not do, looked for once all batches have ended; empty when all is well. */
export async function findViolations(round: CrashRound, server: ServerProcess): Promise<readonly string[]> {
  const found = [...round.violations, ...(await checkExistence(round, server))];
  for (const batch of round.submitted) if (batch.id !== null) found.push(...(await checkBatch(round, server, batch)));
  for (const kill of round.kills) found.push(...checkRepeats(round, kill));
  if (round.upstream.mostOpen > CONCURRENCY) found.push(`${round.upstream.mostOpen} calls were open at once`);
  return found;
}

/** Calls that were under way at a kill. */
export function inFlightAt(round: CrashRound, kill: Kill): number {
  const isOpen = ({ life, answeredMs }: UpstreamCall) =>
    life === kill.life && (answeredMs === null || answeredMs >= kill.atMs);
  return round.upstream.calls.filter(isOpen).length;
}

/** Calls that were made before a kill and once more after it, by batch. */
export function repeatsAfter(round: CrashRound, kill: Kill): ReadonlyMap<Submitted, readonly string[]> {
  const isRepeated = (id: string): boolean => {
    const calls = round.upstream.callsOf(id);
    return calls.some(({ life }) => life <= kill.life) && calls.some(({ life }) => life > kill.life);
  };
  return new Map(round.submitted.map((batch) => [batch, batch.customIds.filter(isRepeated)]));
}

/**
 * What was accepted is there. What got no answer is there whole or not at all: its client cannot know, and both are
 * right. Nothing else is there, in the list or on the disk.
 */
async function checkExistence(round: CrashRound, server: ServerProcess): Promise<string[]> {
  const found: string[] = [];
  const listed = (await list(server.client, '?limit=1000')).data.map((batch) => batch.id as string);
  const stored = await round.home.storedBatches();
  if (sortedText(stored) !== sortedText(listed)) found.push(`stored are ${stored}, listed are ${listed}`);
  for (const { id } of round.submitted) if (id !== null && !listed.includes(id)) found.push(`${id} was lost`);
  for (const id of listed.filter((id) => !round.submitted.some((batch) => batch.id === id))) {
    const ids = await idsAtEnd(round, server, id);
    const whole = round.submitted.find((batch) => batch.id === null && sortedText(batch.customIds) === ids);
    if (whole === undefined) found.push(`${id} is nobody's batch`);
    else whole.id = id;
  }
  return found;
}

/** Waits for the end of a batch, and answers whose it is. */
async function idsAtEnd(round: CrashRound, server: ServerProcess, id: string): Promise<string> {
  const hasEnded = async () => (await retrieve(server.client, id)).processing_status === 'ended';
  await until('the batch has ended', hasEnded, round.patienceMs);
  return sortedText((await results(server.client, id)).map((row) => row.custom_id));
}

function sortedText(ids: readonly string[]): string {
  return ids.toSorted().join();
}

/** Every custom_id has exactly one row, of its own answer; the counters are the rows; each success was called for. */
async function checkBatch(round: CrashRound, server: ServerProcess, submitted: Submitted): Promise<string[]> {
  const { id, customIds } = submitted;
  const found: string[] = [];
  const batch = await retrieve(server.client, id as string);
  const rows = await results(server.client, id as string);
  const ids = rows.map((row) => row.custom_id);
  if (new Set(ids).size !== ids.length) found.push(`${id} has custom_ids twice`);
  if (sortedText(ids) !== sortedText(customIds)) found.push(`${id} has ${ids.length} of ${customIds.length}`);
  const succeeded = rows.filter((row) => row.result.type === 'succeeded').length;
  const canceled = rows.filter((row) => row.result.type === 'canceled').length;
  const expected = { processing: 0, succeeded, errored: 0, canceled, expired: 0 };
  if (JSON.stringify(batch.request_counts) !== JSON.stringify(expected) || succeeded + canceled !== rows.length) {
    found.push(`${id} counts ${JSON.stringify(batch.request_counts)}, its rows ${JSON.stringify(expected)}`);
  }
  if (canceled > 0 && !submitted.cancelAsked) found.push(`${id} has canceled rows and was never canceled`);
  found.push(...(await checkLedger(server, id as string, rows.length, succeeded)));
  for (const row of rows) if (!isOwnAnswer(round, row)) found.push(`${row.custom_id} has somebody else's answer`);
  return [...found, ...checkCancel(round, submitted, batch)];
}

/** The ledger is that of the results, however often the server died between writing the one and the other. */
async function checkLedger(server: ServerProcess, id: string, rows: number, succeeded: number): Promise<string[]> {
  const { text } = await server.client.get(`/ext/v1/batches/${id}`);
  const { ledger } = JSON.parse(text) as { readonly ledger: BatchLedger };
  const { input, output } = ledger.tokens;
  const billed = [ledger.results, ledger.requests, input, output, ledger.nano_usd];
  const { input_tokens: read, output_tokens: answered } = message('').usage as Readonly<Record<string, number>>;
  const [inputTokens, outputTokens] = [(read ?? 0) * succeeded, (answered ?? 0) * succeeded];
  const expected = [rows, succeeded, inputTokens, outputTokens, inputTokens * 1000 + outputTokens * 5000];
  return String(billed) === String(expected) ? [] : [`the ledger of ${id} has ${billed}, its results ${expected}`];
}

interface BatchLedger {
  readonly results: number;
  readonly requests: number;
  readonly tokens: { readonly input: number; readonly output: number };
  readonly nano_usd: number | null;
}

function isOwnAnswer(round: CrashRound, row: BatchResultLine): boolean {
  const id = row.custom_id;
  if (row.result.type !== 'succeeded') return true;
  return answerText(row) === answerTo(id) && round.upstream.callsOf(id).some((call) => call.answeredMs !== null);
}

/** A cancel that was accepted outlives the crash: the next life sends nothing of the batch. */
function checkCancel(round: CrashRound, submitted: Submitted, batch: MessageBatch): string[] {
  const life = submitted.cancelledInLife;
  if (life === null || batch.ended_at === null) return [];
  const later = submitted.customIds.flatMap((id) => round.upstream.callsOf(id)).filter((call) => call.life > life);
  const found = later.length === 0 ? [] : [`${batch.id} was canceled in life ${life} and sent ${later.length} later`];
  const isMarked = batch.cancel_initiated_at !== null || !submitted.hasEnded;
  return isMarked || isEndedBefore(batch, submitted) ? found : [...found, `${batch.id} forgot that it was canceled`];
}

/** A cancel of a batch that had ended already is answered 200 and changes nothing. */
function isEndedBefore(batch: MessageBatch, submitted: Submitted): boolean {
  return batch.request_counts.succeeded === submitted.customIds.length;
}

/**
 * The bound on paying twice. A call may be repeated when its result was not durable at the kill: it was in flight (at
 * most the concurrency), or answered within the last commits. Two claims follow, one for each end of that:
 *
 *   - of each batch no more is repeated than was called and not yet reported succeeded; so nothing that a poll had
 *     reported is paid again, whatever the timing;
 *   - each repeated call was unanswered at the kill, or answered just before it.
 */
function checkRepeats(round: CrashRound, kill: Kill): string[] {
  const found: string[] = [];
  for (const [batch, repeated] of repeatsAfter(round, kill)) {
    const called = batch.customIds.filter((id) => callsBefore(round, kill, id).length > 0).length;
    const bound = called - (kill.reported.get(batch) ?? 0);
    if (repeated.length > bound)
      found.push(`${batch.id}: ${repeated.length} calls repeated, ${bound} had not been reported`);
    for (const id of repeated) {
      const last = callsBefore(round, kill, id).at(-1)?.answeredMs ?? null;
      const polls = last === null ? 0 : pollsBetween(round, last, kill.atMs);
      if (polls > COMMITTED_AFTER_POLLS)
        found.push(`${id} was answered ${polls} polls before the kill and called again`);
    }
  }
  return found;
}

function pollsBetween(round: CrashRound, fromMs: number, toMs: number): number {
  return round.pollsMs.filter((sentMs) => sentMs > fromMs && sentMs < toMs).length;
}

function callsBefore(round: CrashRound, kill: Kill, id: string): readonly UpstreamCall[] {
  return round.upstream.callsOf(id).filter((call) => call.life <= kill.life);
}
