import { LIMITS, type Problem } from '@batchwright/protocol';
import type { Call, Room } from './call.ts';
import { openBody } from './request-body.ts';

/** A body held in memory, for the calls whose bodies are short. `release` gives its bytes back to the budget. */
export type WholeBody =
  | { readonly type: 'whole'; readonly bytes: Uint8Array; release(): void }
  | { readonly type: 'refused'; readonly problem: Problem }
  | { readonly type: 'gone' };

/**
 * Within each such time a client must send something that counts: a byte a minute would hold its share of the memory for
 * years. Real time: it is the socket that idles, not a batch.
 */
const PATIENCE_MS = 60_000;
/** Less than a modem of 1995 sends in a second or two. */
const LEAST_BYTES = 4 * 1024;

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
  let takenBefore = 0;
  const look = (): void => {
    stopped = taken - takenBefore < LEAST_BYTES;
    takenBefore = taken;
    if (stopped) stream.destroy();
    else timer = room.services.pace.after(PATIENCE_MS, look);
  };
  let timer = room.services.pace.after(PATIENCE_MS, look);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
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
    timer.cancel();
  }
  return { type: 'whole', bytes: Buffer.concat(chunks), release };
}
