/**
 * How far a run is while it runs, and what it came to: counts, tokens, money, and what was saved. Ctrl-C cancels its
 * batches; what was answered by then is kept, and is in the report like everything else that was paid for. A run that
 * shall go on without its program is left instead, as in `bulk-resume`.
 *
 *     node examples/dist/bulk-progress.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BulkRequest, type RunProgress, type RunReport } from '@batchwright/client';

const TOWNS = ['Bergen', 'Cork', 'Dundee', 'Esbjerg', 'Faro', 'Gdynia', 'Hull', 'Izola', 'Kiel', 'Lorient'];

function* requests(): Generator<BulkRequest> {
  for (const town of TOWNS) {
    const messages = [{ role: 'user', content: `What is ${town} known for? Two sentences.` }];
    yield { custom_id: town.toLowerCase(), params: { model: 'claude-haiku-4-5', max_tokens: 200, messages } };
  }
}

/** Dollars, of thousand-millionths of one. */
export function dollars(nanoUsd: number): string {
  return `$${(nanoUsd / 1e9).toFixed(4)}`;
}

/** `running: 40.0% (4/10), 1 of 2 batches over, $0.0007 so far`. */
export function progressLine({ phase, requests: total, counts, batches, totals }: RunProgress): string {
  const done = counts.succeeded + counts.errored + counts.canceled + counts.expired;
  const share = total === 0 ? 0 : done / total;
  const over = batches.filter(({ state }) => state === 'downloaded').length;
  const spent = [...totals.values()].reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
  const figures = [
    `${(share * 100).toFixed(1)}% (${done}/${total})`,
    `${over} of ${batches.length} batches over`,
    `${dollars(spent)} so far`,
  ];
  return `${phase}: ${figures.join(', ')}`;
}

/** What a run came to, in lines. */
export function reportLines(report: RunReport): readonly string[] {
  const { requests: total, counts, cost, batches, waves } = report;
  const { succeeded, errored, canceled, expired } = counts;
  return [
    `${total} requests: ${succeeded} succeeded, ${errored} errored, ${canceled} canceled, ${expired} expired`,
    `Batches: ${batches}, waves: ${waves}, seconds: ${Math.ceil(report.elapsedMs / 1000)}`,
    cost === null
      ? 'No cost: some model has no known price'
      : `${dollars(cost.nanoUsd)}; ${dollars(cost.withoutBatchNanoUsd)} as single calls, ` +
        `${dollars(cost.withoutCachingNanoUsd)} with nothing cached`,
  ];
}

/** Runs everything in batches of five, or what comes before the signal, prints how far it is, and answers the report. */
export async function main(client: Anthropic, signal: AbortSignal): Promise<RunReport> {
  let last = '';
  const run = runBatch(requests(), {
    client,
    batchSize: { requests: 5 },
    onProgress(progress) {
      const line = progressLine(progress);
      if (line !== last) console.log(line);
      last = line;
    },
  });
  signal.addEventListener('abort', () => void run.cancel(), { once: true });
  const end = await run.settle();
  await run.close();
  if (end.type !== 'settled') throw new Error(`The run is ${end.type}`);
  for (const line of reportLines(end.report)) console.log(line);
  return end.report;
}

if (process.argv[1] === import.meta.filename) {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  await main(new Anthropic(), stop.signal);
}
