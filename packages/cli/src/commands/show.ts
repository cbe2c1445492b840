import { resolveBatch } from '@batchwright/client';
import { EXIT_OK } from '../host.ts';
import type { Host } from '../host.ts';
import { formatFields } from '../output/fields.ts';
import { batchFields, detailFields } from './batch-fields.ts';
import { withService, type ServiceOptions } from './with-service.ts';

/** Shows one batch, with all that its server knows of it. */
export async function show(text: string, options: ServiceOptions, host: Host): Promise<number> {
  return withService(options, host, async (service) => {
    const id = await resolveBatch(service, text);
    const details = (await service.extras?.details(id)) ?? null;
    const batch = details?.batch ?? (await service.retrieve(id)).batch;
    if (options.json === true) {
      host.out(`${JSON.stringify(details?.json ?? batch)}\n`);
      return EXIT_OK;
    }
    const fields = [...batchFields(batch, host.now()), ...(details === null ? [] : detailFields(details, host.now()))];
    host.out(formatFields(fields, host.outIsTerminal, host.columns));
    return EXIT_OK;
  });
}
