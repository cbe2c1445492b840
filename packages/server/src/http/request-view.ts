import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { BoundedView } from './bounded-view.ts';

/** Less is not worth the call; and Node cuts smaller chunks from memory that others use too. */
const WORTH_RELEASING_BYTES = 16 * 1024;

/**
 * A view of an incoming request, whose chunks may be given back once they are read. Node makes a buffer of its own for
 * each 64 KB of a body, and garbage of that kind is expensive: the collector is driven by its bytes, and marks the whole
 * heap every 50 ms while one upload passes by. Given back, the same few pages serve a whole body.
 */
export class RequestView extends BoundedView {
  #spent: Uint8Array | null = null;

  /**
   * Takes back a chunk that this view delivered; nobody reads it again. Its memory goes when the next one comes, since a
   * parser may still stand in it while it is being delivered.
   */
  release(chunk: Uint8Array): void {
    const spent = this.#spent;
    this.#spent = chunk;
    if (spent !== null && isWholeBuffer(spent)) free(spent.buffer as ArrayBuffer);
  }
}

function isWholeBuffer(chunk: Uint8Array): boolean {
  return chunk.byteLength >= WORTH_RELEASING_BYTES && chunk.byteLength === chunk.buffer.byteLength;
}

let nowhere: MessagePort | null = null;

/** Transfers a buffer to where nobody listens: what is sent to a closed port is dropped at once, its memory with it. */
function free(buffer: ArrayBuffer): void {
  if (nowhere === null) {
    nowhere = new MessageChannel().port1;
    nowhere.close();
  }
  nowhere.postMessage(null, [buffer]);
}
