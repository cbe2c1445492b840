import { LIMITS } from '@batchwright/protocol';
import { BadRequestsError } from '@batchwright/client';
import { megabytes } from '../wording.ts';

/** One thing of many in an input, and where it stands. */
export interface InputItem {
  readonly bytes: Buffer;
  /** For people: `prompts.jsonl line 17`. */
  readonly origin: string;
}

/**
 * The most one item may hold: no request can be larger, and without a bound a file of one endless line would be held in
 * memory. The envelope around a request's params has room beside them.
 */
export const MOST_ITEM_BYTES = LIMITS.messageBodyBytes + 64 * 1024;

/** Every line that is not blank, without its end. Lines end in LF or CRLF; the last may do without. */
export async function* linesOf(pieces: AsyncIterable<Buffer>, name: string): AsyncGenerator<InputItem> {
  let number = 0;
  let started: Buffer[] = [];
  let startedBytes = 0;
  for await (const piece of pieces) {
    let at = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, at)) {
      number++;
      const rest = piece.subarray(at, end);
      const line = startedBytes === 0 ? rest : Buffer.concat([...started, rest]);
      checkSize(line.length, name, number);
      if (!isBlank(line)) yield { bytes: withoutReturn(line), origin: `${name} line ${number}` };
      if (startedBytes > 0) started = [];
      startedBytes = 0;
      at = end + 1;
    }
    if (at === piece.length) continue;
    started.push(piece.subarray(at));
    startedBytes += piece.length - at;
    checkSize(startedBytes, name, number + 1);
  }
  const last = Buffer.concat(started);
  if (!isBlank(last)) yield { bytes: withoutReturn(last), origin: `${name} line ${number + 1}` };
}

function checkSize(bytes: number, name: string, number: number): void {
  if (bytes <= MOST_ITEM_BYTES) return;
  throw new BadRequestsError(
    `${name} line ${number} is longer than ${megabytes(LIMITS.messageBodyBytes)}, the most one request may hold. Put every request or row on a line of its own.`,
  );
}

function withoutReturn(line: Buffer): Buffer {
  return line[line.length - 1] === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== SPACE && byte !== TAB && byte !== CARRIAGE_RETURN) return false;
  return true;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
