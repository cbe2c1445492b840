import { assert } from '@batchwright/core';
import type { PlannedBatch } from '../journal/journal-entry.ts';
import type { BatchBody } from '../service/batch-service.ts';
import type { BatchContents } from './batch-log.ts';
import { BETWEEN, BODY_CLOSE, BODY_OPEN } from './body-frame.ts';
import { editLine } from './line-edit.ts';
import type { RequestBook } from './planning.ts';

/** The body of a planned batch, made of the book's lines each time it is sent; the same bytes each time. */
export function plannedBody(
  book: RequestBook,
  { requests, bytes }: PlannedBatch,
  contents: BatchContents,
  options: BatchBody['options'],
): BatchBody {
  return { requests, bytes, options, pieces: () => pieces(book, bytes, contents) };
}

const PIECE_BYTES = 128 * 1024;

async function* pieces(book: RequestBook, bytes: number, contents: BatchContents): AsyncGenerator<Uint8Array> {
  let piece = new Piece();
  let made = 0;
  for await (const part of parts(book, contents)) {
    made += part.length;
    // Whoever sends announced so many; a byte more would be taken for the beginning of another call.
    assert(
      made <= bytes,
      () => `a body of ${bytes} bytes turned out longer: a request was replaced after it was planned`,
    );
    for (let at = 0; at < part.length;) {
      at += piece.put(part, at);
      if (piece.room > 0) continue;
      yield piece.bytes;
      piece = new Piece();
    }
  }
  assert(made === bytes, () => `a body of ${bytes} bytes has ${made}: a request was replaced after it was planned`);
  if (piece.bytes.length > 0) yield piece.bytes;
}

/** What a body is made of, in order. */
async function* parts(book: RequestBook, { requests, markerSet, markerSets, dropsMarkers }: BatchContents) {
  yield BODY_OPEN;
  let at = 0;
  for await (const lines of book.lines(requests)) {
    for (const line of lines) {
      if (at > 0) yield BETWEEN;
      const markers = markerSets[markerSet[at++] as number]?.markers ?? [];
      yield editLine(line, { dropMarkers: dropsMarkers, markers });
    }
  }
  yield BODY_CLOSE;
}

class Piece {
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  #filled = 0;

  get room(): number {
    return PIECE_BYTES - this.#filled;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#filled);
  }

  /** Takes what fits of a part, from some byte on; answers how much that is. */
  put(part: Uint8Array, from: number): number {
    const taken = part.subarray(from, from + this.room);
    this.#buffer.set(taken, this.#filled);
    this.#filled += taken.length;
    return taken.length;
  }
}
