import { joinedBytes } from './joined-bytes.ts';

/** The body of a response in pieces, in every runtime. Leaving early lets go of the connection. */
export async function* piecesOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let isOver = false;
  try {
    for (;;) {
      const next = (await reader.read()) as IteratorResult<Uint8Array, undefined>;
      isOver = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    // A failure to let go of what is not wanted any more is nobody's concern.
    if (!isOver) await reader.cancel().catch(() => undefined);
  }
}

/** A whole body; null when it is longer than `limitBytes`. */
export async function bytesOf(response: Response, limitBytes: number): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(response)) {
    length += piece.byteLength;
    if (length > limitBytes) return null;
    pieces.push(piece);
  }
  return joinedBytes(pieces);
}
