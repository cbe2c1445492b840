export type Pieces = AsyncIterable<Uint8Array>;

/** The first bytes, as many pieces as it takes until there are enough, and all of them again, those in one piece. */
export async function peeked(
  pieces: Pieces,
  isEnough: (head: Buffer) => boolean,
): Promise<readonly [head: Buffer, all: Pieces]> {
  const iterator = pieces[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (!isEnough(head)) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? toBuffer(next.value) : Buffer.concat([head, next.value]);
  }
  return [head, resumed(head, iterator)];
}

async function* resumed(head: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    // Whoever stops half-way must not leave a file open.
    await iterator.return?.();
  }
}

/** The same bytes, where Node's own methods are wanted. */
export function toBuffer(piece: Uint8Array): Buffer {
  return Buffer.from(piece.buffer, piece.byteOffset, piece.length);
}
