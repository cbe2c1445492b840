import { BadRequestsError, type BulkRequest } from '../plan/bulk-request.ts';
import type { CustomIds } from '../plan/custom-ids.ts';
import { RequestScan } from '../plan/request-scan.ts';
import type { ScannedRequests } from '../plan/scanned-parts.ts';

/** Requests that were read and not kept: what their prompts have in common, and their ids. */
export interface KnownRequests extends ScannedRequests {
  readonly ids: CustomIds;
  /** Of each request as a line, for cutting them into batches. */
  readonly lineBytes: Float64Array;
}

export type Requests = Iterable<BulkRequest> | AsyncIterable<BulkRequest>;

/** Whoever made one mistake may have made it often. */
const FAULTS_SHOWN = 10;

/** Reads all requests once. Rejects with `BadRequestsError` when some cannot be run, naming the first ten. */
export async function scanRequests(requests: Requests): Promise<KnownRequests> {
  const scan = new RequestScan();
  const lineBytes: number[] = [];
  const faults: string[] = [];
  for await (const request of requests) {
    const fault = scan.add(request);
    if (fault !== null) faults.push(fault.message);
    if (faults.length === FAULTS_SHOWN) break;
    lineBytes.push('line' in request ? request.line.length : JSON.stringify(request).length);
  }
  if (faults.length > 0) throw new BadRequestsError(faults.join('\n'));
  return { ...scan.finish(), lineBytes: Float64Array.from(lineBytes) };
}
