import { resolveBatch } from '@batchwright/client';
import { EXIT_OK } from '../host.ts';
import type { Host } from '../host.ts';
import { countsText } from '../output/batch-words.ts';
import { forEachBatch, withService, type ServiceOptions } from './with-service.ts';

/** Cancels batches. Canceling one that is being canceled is no fault; one that has ended is past it. */
export async function cancel(ids: readonly string[], options: ServiceOptions, host: Host): Promise<number> {
  return withService(options, host, async (service) =>
    forEachBatch(ids, host, async (text) => {
      const batch = await service.cancel(await resolveBatch(service, text));
      if (options.json === true) host.out(`${JSON.stringify(batch)}\n`);
      else {
        const state = batch.processing_status === 'ended' ? 'has ended' : 'is being canceled';
        host.err(`${batch.id} ${state}; ${countsText(batch.request_counts)}.\n`);
      }
      return EXIT_OK;
    }),
  );
}
