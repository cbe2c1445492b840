import { StreamedMessage, type StartUsage, type StreamedAnswer } from './streamed-message.ts';

/** For tests: an event as the API frames it. */
export function frame(data: { readonly type: string; readonly [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

export interface Read extends StreamedAnswer {
  /** What each call of `onStart` heard. */
  readonly starts: readonly (StartUsage | null)[];
  readonly text: string;
}

/** Feeds bytes cut at the given offsets, each piece in memory that is overwritten once it was taken. */
export function read(stream: string | Uint8Array, cuts: readonly number[] = [], limitBytes?: number): Read {
  const bytes = Buffer.from(stream);
  const starts: (StartUsage | null)[] = [];
  const message = new StreamedMessage((usage) => starts.push(usage), limitBytes);
  const offsets = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 0; i + 1 < offsets.length; i++) {
    const piece = Uint8Array.from(bytes.subarray(offsets[i], offsets[i + 1]));
    message.push(piece);
    piece.fill(0x7b);
  }
  const answer = message.end({}, 0);
  return { ...answer, starts, text: Buffer.from(answer.body).toString() };
}
