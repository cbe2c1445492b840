import { RESULT_TYPES, type ResultType } from '@batchwright/protocol';
import type { RequestIndex } from '@batchwright/scan';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What a whole line of a results log says about itself; null when it is not one. */
export function readResultLine(line: Uint8Array): { readonly customId: string; readonly type: ResultType } | null {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(line));
  } catch {
    // Bytes that a loss of power left behind are no line; that is the answer, not a failure.
    return null;
  }
  if (typeof value !== 'object' || value === null || !('custom_id' in value) || !('result' in value)) return null;
  const { custom_id: customId, result } = value;
  if (typeof customId !== 'string' || typeof result !== 'object' || result === null || !('type' in result)) return null;
  const type = RESULT_TYPES.find((known) => known === result.type);
  return type === undefined ? null : { customId, type };
}

/** Every custom_id with its place in the index. */
export function requestsByCustomId(index: RequestIndex): ReadonlyMap<string, number> {
  const { lengths, bytes } = index.customIds;
  const ids = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const requests = new Map<string, number>();
  let end = 0;
  for (let request = 0; request < index.count; request++) {
    const start = end;
    end += lengths[request] as number;
    requests.set(ids.toString('latin1', start, end), request);
  }
  return requests;
}
