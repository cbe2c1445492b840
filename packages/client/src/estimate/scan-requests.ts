import type { BulkRequest } from '../plan/bulk-request.ts';
import type { CustomIds } from '../plan/custom-ids.ts';
import { FaultList } from '../plan/fault-list.ts';
import { RequestScan } from '../plan/request-scan.ts';
import type { ScannedRequests } from '../plan/scanned-parts.ts';

/** Requests that were read and not kept: what their prompts have in common, and their ids. */
export interface KnownRequests extends ScannedRequests {
  readonly ids: CustomIds;
  /** Of each request as a line, for cutting them into batches. */
  readonly lineBytes: Float64Array;
}

export type Requests = Iterable<BulkRequest> | AsyncIterable<BulkRequest>;

/** Reads all requests once. Rejects with `BadRequestsError` when some cannot be run, naming the first ten and counting the others. */
export async function scanRequests(requests: Requests): Promise<KnownRequests> {
  const scan = new RequestScan();
  const lineBytes: number[] = [];
  const faults = new FaultList();
  try {
    for await (const request of requests) {
      const fault = scan.add(request);
      if (fault !== null) faults.add(fault.message);
      if (faults.isFull) break;
      lineBytes.push('line' in request ? request.line.length : JSON.stringify(request).length);
    }
  } catch (error) {
    faults.addError(error);
  }
  faults.throwIfAny();
  return { ...scan.finish(), lineBytes: Float64Array.from(lineBytes) };
}
