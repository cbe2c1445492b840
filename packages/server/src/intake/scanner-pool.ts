import type { Readable } from 'node:stream';
import { BodyScanner } from '@batchwright/scan';
import { REQUEST_BLOCK_BYTES } from '../spool/spool.ts';

/** One is filled while the disk is two writes behind; more made no upload faster, and each is four megabytes that a large body takes. */
export const RING_BLOCKS = 3;

interface Waiter {
  readonly admit: (scanner: BodyScanner) => void;
}

/**
 * Scanners, and with them the right to upload: at most `limit` are lent at once, and who comes later waits, first come
 * first served, without reading its body. Waiting uploads are as many as the server allows connections.
 *
 * A returned scanner is kept, since its memory is what an upload costs and fresh memory is slow to touch first.
 */
export class ScannerPool {
  readonly #limit: number;
  readonly #idle: BodyScanner[] = [];
  readonly #waiters = new Set<Waiter>();
  #made = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Lends a scanner once it is this body's turn; null when the body goes away first. */
  async borrow(body: Readable): Promise<BodyScanner | null> {
    if (isGone(body)) return null;
    return this.#idle.pop() ?? this.#make() ?? this.#wait(body);
  }

  giveBack(scanner: BodyScanner): void {
    const [next] = this.#waiters;
    if (next === undefined) this.#idle.push(scanner);
    else next.admit(scanner);
  }

  #make(): BodyScanner | null {
    if (this.#made >= this.#limit) return null;
    const scanner = new BodyScanner(RING_BLOCKS, REQUEST_BLOCK_BYTES);
    this.#made++;
    return scanner;
  }

  #wait(body: Readable): Promise<BodyScanner | null> {
    return new Promise((resolve) => {
      const leave = (scanner: BodyScanner | null): void => {
        this.#waiters.delete(waiter);
        body.off('close', goAway);
        body.off('error', goAway);
        resolve(scanner);
      };
      const waiter: Waiter = { admit: leave };
      const goAway = (): void => leave(null);
      this.#waiters.add(waiter);
      body.on('close', goAway);
      body.on('error', goAway);
    });
  }
}

function isGone(body: Readable): boolean {
  return body.destroyed || body.readableEnded;
}
