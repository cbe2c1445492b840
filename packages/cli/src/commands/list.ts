import type { MessageBatch } from '@batchwright/protocol';
import { EXIT_MISUSED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { agoText, expiryText, failedOf, requestsOf, settledOf } from '../output/batch-words.ts';
import { grouped } from '../output/figures.ts';
import { formatTable } from '../output/table.ts';
import { withService, type ServiceOptions } from './with-service.ts';

export interface ListOptions extends ServiceOptions {
  readonly limit: string;
  readonly all?: boolean;
}

const HEADINGS = ['ID', 'STATUS', 'SETTLED', 'FAILED', 'AGE', 'EXPIRES'] as const;

/** Lists batches, newest first. */
export async function list(options: ListOptions, host: Host): Promise<number> {
  const limit = options.all === true ? Infinity : /^[1-9]\d{0,8}$/.test(options.limit) ? Number(options.limit) : null;
  if (limit === null) {
    complain(host, `--limit is "${options.limit}", but must be a whole number from 1. For all there are: --all.`);
    return EXIT_MISUSED;
  }
  return withService(options, host, async (service) => {
    const batches: MessageBatch[] = [];
    let hasMore = false;
    for await (const batch of service.newest()) {
      hasMore = batches.length === limit;
      if (hasMore) break;
      batches.push(batch);
    }
    if (options.json === true) {
      host.out(`${JSON.stringify(batches)}\n`);
      return EXIT_OK;
    }
    if (batches.length === 0) host.err(`There are no batches at ${service.name}.\n`);
    else
      host.out(
        formatTable(
          HEADINGS,
          batches.map((batch) => rowOf(batch, host)),
          host.outIsTerminal,
          host.columns,
        ),
      );
    if (hasMore) host.err(`There are more: --limit or --all.\n`);
    return EXIT_OK;
  });
}

function rowOf(batch: MessageBatch, host: Host): readonly string[] {
  const counts = batch.request_counts;
  return [
    batch.id,
    batch.processing_status,
    `${grouped(settledOf(counts))}/${grouped(requestsOf(counts))}`,
    grouped(failedOf(counts)),
    agoText(batch.created_at, host.now()),
    expiryText(batch, host.now()),
  ];
}
