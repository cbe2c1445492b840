import type { MessageBatchIndividualResponse } from '@anthropic-ai/sdk/resources/messages';
import { RESULT_TYPES } from '@batchwright/protocol';
import { joinedBytes } from '../service/joined-bytes.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Cuts pieces of JSONL, cut anywhere, into lines without their ends. Some servers end lines with two bytes. */
export class LineCutter {
  #rest: Uint8Array[] = [];

  /** The lines that end in this piece. */
  *cut(piece: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      const line = withoutReturn(this.#joined(piece.subarray(start, end)));
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start < piece.length) this.#rest.push(piece.slice(start));
  }

  /** What follows the last line's end; null: nothing does. A last line need not be ended. */
  end(): Uint8Array | null {
    const line = withoutReturn(this.#joined(new Uint8Array(0)));
    return line.length === 0 ? null : line;
  }

  #joined(last: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return last;
    const line = joinedBytes([...this.#rest, last]);
    this.#rest = [];
    return line;
  }
}

/** All of them, so that a line that is cut out again is the same. */
function withoutReturn(line: Uint8Array): Uint8Array {
  let end = line.length;
  while (line[end - 1] === CARRIAGE_RETURN) end -= 1;
  return line.subarray(0, end);
}

/** What a line says; null: it is no result. */
export function readResultLine(line: Uint8Array): MessageBatchIndividualResponse | null {
  try {
    const value = JSON.parse(decoder.decode(line)) as Partial<MessageBatchIndividualResponse> | null;
    const type: unknown = value?.result?.type;
    const isResult = typeof value?.custom_id === 'string' && RESULT_TYPES.some((known) => known === type);
    return isResult ? (value as MessageBatchIndividualResponse) : null;
  } catch {
    // Cut short or garbled: whoever asked says of which batch.
    return null;
  }
}
