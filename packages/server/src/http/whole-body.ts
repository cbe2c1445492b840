import { LIMITS, type Problem } from '@batchwright/protocol';
import type { Call, Room } from './call.ts';
import { openBody } from './request-body.ts';

/** A body held in memory, for the calls whose bodies are short. `release` gives its bytes back to the budget. */
export type WholeBody =
  | { readonly type: 'whole'; readonly bytes: Uint8Array; release(): void }
  | { readonly type: 'refused'; readonly problem: Problem }
  | { readonly type: 'gone' };

/** A client that sends nothing for this long has stopped. Real time: it is the socket that idles, not a batch. */
const IDLE_MS = 60_000;

/** Reads a body whole: at most 32 MB unless said otherwise, within the memory all such bodies share, and only while bytes arrive. */
export async function readWholeBody(
  room: Room,
  call: Call,
  limitBytes: number = LIMITS.messageBodyBytes,
): Promise<WholeBody> {
  const opened = openBody(call, limitBytes);
  if (opened.type === 'refused') return opened;
  const { stream } = opened.body;
  const chunks: Buffer[] = [];
  let taken = 0;
  const release = (): void => {
    room.buffered.giveBack(taken);
    taken = 0;
  };
  const refused = (problem: Problem): WholeBody => {
    release();
    return { type: 'refused', problem };
  };

  let stopped = false;
  const idle = setTimeout(() => {
    stopped = true;
    stream.destroy();
  }, IDLE_MS);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      idle.refresh();
      if (!room.buffered.take(chunk.length)) return refused({ type: 'overloaded' });
      taken += chunk.length;
      chunks.push(chunk);
    }
  } catch {
    // The stream broke off; which of the reasons it was is told apart below.
    if (stopped) return refused({ type: 'body_timed_out' });
    const problem = opened.body.problem();
    if (problem !== null) return refused(problem);
    release();
    return { type: 'gone' };
  } finally {
    clearTimeout(idle);
  }
  return { type: 'whole', bytes: Buffer.concat(chunks), release };
}
