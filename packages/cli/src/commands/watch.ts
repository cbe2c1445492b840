import { resolveBatch } from '@batchwright/client';
import { EXIT_FAILED, EXIT_OK } from '../host.ts';
import type { Host } from '../host.ts';
import { failedOf } from '../output/batch-words.ts';
import { followBatch } from '../progress/followed-batch.ts';
import { watchDisplay } from '../progress/watch-display.ts';
import { withService, type ServiceOptions } from './with-service.ts';

export interface WatchOptions extends ServiceOptions {
  /** False with `--no-color`. */
  readonly color?: boolean;
}

/** Follows several batches at once until all have ended. */
export async function watch(texts: readonly string[], options: WatchOptions, host: Host): Promise<number> {
  return withService(options, host, async (service) => {
    const ids: string[] = [];
    for (const text of texts) {
      const id = await resolveBatch(service, text);
      if (!ids.includes(id)) ids.push(id);
    }
    const display = watchDisplay(ids, { json: options.json === true, colour: options.color !== false }, host);
    // One batch that cannot be followed any more ends the others' too.
    const stop = new AbortController();
    let failed = 0;
    const follow = async (id: string): Promise<void> => {
      for await (const state of followBatch(service, id, stop.signal)) {
        display.update(state);
        if (state.batch.processing_status === 'ended') failed += failedOf(state.batch.request_counts);
      }
    };
    try {
      await Promise.all(ids.map(follow));
    } finally {
      stop.abort();
      display.end();
    }
    return failed === 0 ? EXIT_OK : EXIT_FAILED;
  });
}
