/** What may be put into a prompt on its way: a marker, a text made a block so that it can carry one, and streaming. */
const MARKER = ',"cache_control":{"type":"ephemeral"}';
const BLOCK_OPEN = '[{"type":"text","text":';
const BLOCK_END = `${MARKER}}]`;
const STREAM = ',"stream":true';

/** What was put in: how many markers; or null when anything else differs. */
export interface Insertions {
  readonly markers: number;
}

/**
 * Compares what was forwarded with what the client sent, character by character: whatever is not the client's must be
 * one of the things that may be put in, and nothing of the client's may be missing.
 */
export function onlyInserted(sent: string, forwarded: string): Insertions | null {
  let [i, at] = [0, 0];
  let [markers, open] = [0, 0];
  const isPutIn = (text: string): boolean => forwarded.startsWith(text, at) && !sent.startsWith(text, i);
  while (i < sent.length || at < forwarded.length) {
    // A block's end begins as a marker does, and so comes first.
    if (open > 0 && isPutIn(BLOCK_END)) {
      open -= 1;
      markers += 1;
      at += BLOCK_END.length;
    } else if (isPutIn(MARKER)) {
      markers += 1;
      at += MARKER.length;
    } else if (isPutIn(BLOCK_OPEN)) {
      open += 1;
      at += BLOCK_OPEN.length;
    } else if (isPutIn(STREAM)) at += STREAM.length;
    else if (i < sent.length && sent[i] === forwarded[at]) {
      i += 1;
      at += 1;
    } else return null;
  }
  return open === 0 ? { markers } : null;
}
