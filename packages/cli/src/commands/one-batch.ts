import {
  BadRequestsError,
  FaultList,
  RequestScan,
  type BatchBody,
  type BatchService,
  type RequestLine,
} from '@batchwright/client';
import { LIMITS, type MessageBatch } from '@batchwright/protocol';
import { outline, parseSpan } from '@batchwright/scan';
import { EXIT_FAILED, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { byteText, grouped } from '../output/figures.ts';
import type { RereadableRequests } from './rereadable-requests.ts';

/** What is sent as one batch. */
export interface OneBatch {
  /** For people: where its requests come from. */
  readonly name: string;
  readonly requests: RereadableRequests;
  /** Which of them go, by custom_id; all if absent. */
  readonly isWanted?: (customId: string) => boolean;
}

/**
 * Reads requests once to check and measure them, and again to send them: a body is never held in memory. Rejects with
 * `BadRequestsError` when some cannot be run, or one batch cannot hold them.
 */
export async function batchBody({ name, requests, isWanted }: OneBatch): Promise<BatchBody> {
  const scan = new RequestScan();
  const faults = new FaultList();
  const wanted = isWanted ?? ((): boolean => true);
  let [count, bytes] = [0, OPEN.length + CLOSE.length];
  try {
    for await (const request of requests.requests()) {
      const fault = scan.add(request);
      if (fault !== null) faults.add(fault.message);
      if (faults.isFull) break;
      if (fault !== null || (isWanted !== undefined && !wanted(customIdOf(request)))) continue;
      bytes += request.line.length + (count === 0 ? 0 : COMMA.length);
      count += 1;
      checkSize(name, count, bytes);
    }
  } catch (error) {
    faults.addError(error);
  }
  faults.throwIfAny();
  return {
    requests: count,
    bytes,
    options: null,
    pieces: () => pieces(requests, isWanted === undefined ? null : wanted),
  };
}

/** Creates the batch; null after having said why there is none. */
export async function createOneBatch(service: BatchService, body: BatchBody, host: Host): Promise<MessageBatch | null> {
  const outcome = await service.create(body);
  switch (outcome.type) {
    case 'created':
      return outcome.batch;
    case 'refused':
    case 'not_now':
      complain(host, outcome.error.message);
      return null;
    case 'unknown':
      complain(
        host,
        `${outcome.error.message} The batch may have been created all the same: look with batchwright list before sending it again.`,
      );
      return null;
    default:
      return outcome satisfies never;
  }
}

/** Says which batch there is now: its id alone on standard output, so that `$(…)` takes it as it is. */
export function announce(batch: MessageBatch | null, options: { readonly json?: boolean }, host: Host): number {
  if (batch === null) return EXIT_FAILED;
  host.out(`${options.json === true ? JSON.stringify(batch) : batch.id}\n`);
  return 0;
}

function checkSize(name: string, count: number, bytes: number): void {
  const { batchRequests, batchBodyBytes } = LIMITS;
  if (count > batchRequests) {
    throw new BadRequestsError(
      `${name} holds more than ${grouped(batchRequests)} requests, the most that one batch may. batchwright run sends them as several.`,
    );
  }
  if (bytes > batchBodyBytes) {
    throw new BadRequestsError(
      `${name} takes more than ${byteText(batchBodyBytes)}, the most that one batch may. batchwright run sends it as several.`,
    );
  }
}

/** The custom_id of a request that was checked. */
export function customIdOf({ line }: Pick<RequestLine, 'line'>): string {
  const span = outline(line)?.find('custom_id');
  return span === null || span === undefined ? '' : String(parseSpan(line, span));
}

const OPEN = Buffer.from('{"requests":[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']}');
const PIECE_BYTES = 64 * 1024;

async function* pieces(
  requests: RereadableRequests,
  isWanted: ((customId: string) => boolean) | null,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [OPEN];
  let size = OPEN.length;
  let isFirst = true;
  for await (const request of requests.requests()) {
    if (isWanted !== null && !isWanted(customIdOf(request))) continue;
    if (!isFirst) parts.push(COMMA);
    isFirst = false;
    parts.push(request.line);
    size += request.line.length + 1;
    if (size < PIECE_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  yield Buffer.concat([...parts, CLOSE]);
}
