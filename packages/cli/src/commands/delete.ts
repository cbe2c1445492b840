import { resolveBatch } from '@batchwright/client';
import { EXIT_FAILED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { forEachBatch, withService, type ServiceOptions } from './with-service.ts';

/** Deletes batches that have ended, with their results. */
export async function deleteBatches(ids: readonly string[], options: ServiceOptions, host: Host): Promise<number> {
  return withService(options, host, async (service) =>
    forEachBatch(ids, host, async (text) => {
      const id = await resolveBatch(service, text);
      const { batch } = await service.retrieve(id);
      if (batch.processing_status !== 'ended') {
        complain(
          host,
          `${id} has not ended (${batch.processing_status}), and only a batch that has can be deleted. batchwright cancel ${id} ends it sooner, batchwright watch ${id} waits for that.`,
        );
        return EXIT_FAILED;
      }
      await service.delete(id);
      if (options.json === true) host.out(`${JSON.stringify({ id, type: 'message_batch_deleted' })}\n`);
      else host.err(`${id} is deleted.\n`);
      return EXIT_OK;
    }),
  );
}
