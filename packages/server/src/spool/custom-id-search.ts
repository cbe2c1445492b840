import { CUSTOM_ID_PATTERN } from '@batchwright/protocol';
import type { RequestIndex } from '@batchwright/scan';

const CUSTOM_ID = new RegExp(CUSTOM_ID_PATTERN);

/** Which request of a batch has this custom_id; null: none. Compares bytes, and makes no object for any of them. */
export function findCustomId(index: RequestIndex, customId: string): number | null {
  if (!CUSTOM_ID.test(customId)) return null;
  const { lengths, bytes } = index.customIds;
  const ids = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wanted = Buffer.from(customId, 'latin1');
  const last = wanted[wanted.length - 1];
  let end = 0;
  for (let request = 0; request < index.count; request++) {
    const start = end;
    end += lengths[request] as number;
    if (end - start !== wanted.length) continue;
    // Ids of a batch mostly begin alike and end in a number.
    if (ids[end - 1] === last && ids.compare(wanted, 0, wanted.length, start, end) === 0) return request;
  }
  return null;
}

/** The custom_id of a request of the index. */
export function customIdOf({ customIds }: RequestIndex, request: number): string {
  const id = customIds.of(request);
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
