import type { BatchId, ResultType } from '@batchwright/protocol';
import { CustomIds, type RequestIndex } from '@batchwright/scan';
import {
  BLOCK_ALIGNMENT_BYTES,
  REQUEST_BLOCK_BYTES,
  type ResultChunk,
  type ResultReader,
  type Spool,
} from './spool.ts';

/** A submitted body with the index that intake would have made of it. */
export interface Submission {
  readonly body: Uint8Array;
  readonly index: RequestIndex;
  readonly customIds: readonly string[];
  readonly params: readonly string[];
}

/** A body of these params, with custom_ids `r-0`, `r-1`, …. */
export function submission(params: readonly string[]): Submission {
  const customIds = params.map((_, i) => `r-${i}`);
  let text = '{"requests":[';
  const paramsOffset = new Uint32Array(params.length);
  const parts = [text];
  let length = text.length;
  params.forEach((value, i) => {
    const head = `${i === 0 ? '' : ','}{"custom_id":"${customIds[i]}","params":`;
    paramsOffset[i] = length + head.length;
    parts.push(head, value, '}');
    length += head.length + value.length + 1;
  });
  text = [...parts, ']}'].join('');
  const index: RequestIndex = {
    count: params.length,
    paramsOffset,
    paramsBytes: Uint32Array.from(params, (value) => value.length),
    traits: Uint8Array.from(customIds, (_, i) => i % 4),
    customIds: new CustomIds(
      Uint8Array.from(customIds, (id) => id.length),
      Buffer.from(customIds.join(''), 'latin1'),
    ),
  };
  return { body: Buffer.from(text, 'latin1'), index, customIds, params };
}

/** The body in blocks as intake hands them over: aligned memory of its own, readable up to an aligned length. */
export function blocksOf(body: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let start = 0; start < body.length; start += REQUEST_BLOCK_BYTES) {
    const part = body.subarray(start, start + REQUEST_BLOCK_BYTES);
    const memory = new Uint8Array(Math.ceil(part.length / BLOCK_ALIGNMENT_BYTES) * BLOCK_ALIGNMENT_BYTES);
    memory.set(part);
    blocks.push(memory.subarray(0, part.length));
  }
  return blocks;
}

/** Stores a submission, durable when it resolves. */
export async function store(spool: Spool, batchId: BatchId, { body, index }: Submission): Promise<void> {
  const writer = await spool.createRequestLog(batchId);
  await Promise.all(blocksOf(body).map((block) => writer.append(block)));
  await writer.commit(index);
}

/** One line as the results file carries it. */
export function resultLine(customId: string, type: ResultType, text = ''): string {
  const result = type === 'succeeded' ? { type, message: { text } } : { type };
  return `${JSON.stringify({ custom_id: customId, result })}\n`;
}

/** A chunk that settles these requests of a submission made by `submission`. */
export function chunkOf(rows: readonly { request: number; type: ResultType; text?: string }[]): ResultChunk {
  const lines = rows.map(({ request, type, text }) => Buffer.from(resultLine(`r-${request}`, type, text)));
  return {
    lines: Buffer.concat(lines),
    rows: rows.map(({ request, type }, i) => ({ request, type, lineBytes: lines[i]?.length ?? 0 })),
  };
}

/** Everything a reader serves. */
export async function textOf(reader: ResultReader | null): Promise<string | null> {
  if (reader === null) return null;
  const bytes = new Uint8Array(reader.bytes);
  let done = 0;
  for (let count = -1; count !== 0; done += count) count = await reader.read(bytes.subarray(done), done);
  await reader.close();
  return Buffer.from(bytes.subarray(0, done)).toString();
}
