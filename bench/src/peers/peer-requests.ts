import { writeFileSync } from 'node:fs';
import { makeParams } from '../processes/request-bodies.ts';

/** What every peer sends. */
export const REQUESTS = 10_000;
/** Requests in flight at once; pg-boss fetches 64 at a time, so a multiple of that. */
export const CONCURRENCY = 256;

/** Writes the requests as lines of `{custom_id, params}`, 2.5 KB each. */
export function writeRequests(file: string): void {
  const params = makeParams('prose');
  const lines = Array.from({ length: REQUESTS }, (_, request) => {
    const id = `request-${String(request).padStart(7, '0')}`;
    return `{"custom_id":"${id}","params":${params(request)}}\n`;
  });
  writeFileSync(file, lines.join(''));
}
