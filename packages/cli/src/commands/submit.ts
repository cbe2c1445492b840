import type { Host } from '../host.ts';
import type { InputOptions } from '../input/input-options.ts';
import { openRequestSource } from '../input/open-request-source.ts';
import { announce, batchBody, createOneBatch } from './one-batch.ts';
import { rereadable } from './rereadable-requests.ts';
import { withService, type ServiceOptions } from './with-service.ts';

export type SubmitOptions = ServiceOptions & InputOptions;

/** Sends requests as one batch and prints its id. Nothing is kept of it here: whoever wants that runs it. */
export async function submit(input: string, options: SubmitOptions, host: Host): Promise<number> {
  return withService(options, host, async (service) => {
    const source = await openRequestSource(input, options, host);
    const requests = await rereadable(source, host);
    try {
      const body = await batchBody({ name: source.name, requests });
      return announce(await createOneBatch(service, body, host), options, host);
    } finally {
      await requests.close();
    }
  });
}
