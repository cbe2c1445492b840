import { joinedBytes } from '../service/joined-bytes.ts';
import type { ByteLog } from '../store/run-store.ts';

/** Lines of a log lie one after the other, each ended by a line feed. */
export const LINE_FEED = 0x0a;

/** A line, without its end, and where it begins in its log. */
export interface LogLine {
  readonly start: number;
  readonly line: Uint8Array;
}

/** Where a line lies, without its end. */
export interface LineSpan {
  readonly start: number;
  readonly bytes: number;
}

const CHUNK_BYTES = 1 << 20;

/** The whole lines of a part of a log, in order, some at a time. What follows the last line's end is left out. */
export async function* wholeLines(log: ByteLog, from: number, to: number): AsyncGenerator<readonly LogLine[]> {
  let held = new Uint8Array(0);
  for (let at = from; at < to;) {
    const chunk = await log.read(at, Math.min(CHUNK_BYTES, to - at));
    const bytes = held.length === 0 ? chunk : joinedBytes([held, chunk]);
    const first = at - held.length;
    at += chunk.length;
    const lines: LogLine[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push({ start: first + start, line: bytes.subarray(start, end) });
      start = end + 1;
    }
    held = bytes.slice(start);
    yield lines;
  }
}

/** Neighbours with less between them are read in one go. */
const GAP_BYTES = 4096;

/** The lines at some places, in their order. Reads what lies between near ones too, and so at most a little more. */
export async function readLines(log: ByteLog, spans: readonly LineSpan[]): Promise<readonly Uint8Array[]> {
  const lines: Uint8Array[] = Array.from({ length: spans.length });
  const order = ascending(spans);
  for (let from = 0; from < order.length;) {
    const start = spanAt(spans, order, from).start;
    let end = start;
    let to = from;
    for (; to < order.length; to++) {
      const span = spanAt(spans, order, to);
      if (to > from && (span.start > end + GAP_BYTES || span.start + span.bytes > start + CHUNK_BYTES)) break;
      end = Math.max(end, span.start + span.bytes);
    }
    const bytes = await log.read(start, end - start);
    for (; from < to; from++) {
      const span = spanAt(spans, order, from);
      lines[order[from] as number] = bytes.subarray(span.start - start, span.start - start + span.bytes);
    }
  }
  return lines;
}

function spanAt(spans: readonly LineSpan[], order: Uint32Array, at: number): LineSpan {
  return spans[order[at] as number] as LineSpan;
}

function ascending(spans: readonly LineSpan[]): Uint32Array {
  const order = Uint32Array.from(spans, (_, i) => i);
  const startOf = (i: number): number => (spans[i] as LineSpan).start;
  return order.sort((a, b) => startOf(a) - startOf(b));
}
