import type { BatchService } from '@batchwright/client';
import { linesOf, type InputItem } from '../input/bytes/lines.ts';

/** The lines of a batch's results, without their ends, from pieces that are cut anywhere. */
export function resultLines(pieces: ReturnType<BatchService['results']>, id: string): AsyncIterable<InputItem> {
  return linesOf(asBuffers(pieces), `the results of ${id}`);
}

async function* asBuffers(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
