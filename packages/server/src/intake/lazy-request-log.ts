import type { BatchId } from '@batchwright/protocol';
import type { RequestIndex } from '@batchwright/scan';
import type { RequestLogWriter, Spool } from '../spool/spool.ts';

/**
 * A request log that is created when its first block arrives. A block arrives when 4 MB are full or the body was found
 * right, so a small body that is refused costs the spool nothing.
 */
export class LazyRequestLog {
  readonly #spool: Pick<Spool, 'createRequestLog'>;
  readonly #batchId: BatchId;
  #writer: Promise<RequestLogWriter> | null = null;

  constructor(spool: Pick<Spool, 'createRequestLog'>, batchId: BatchId) {
    this.#spool = spool;
    this.#batchId = batchId;
  }

  async append(block: Uint8Array): Promise<void> {
    const writer = await this.#open();
    await writer.append(block);
  }

  async commit(index: RequestIndex, plan: Uint8Array | null): Promise<void> {
    const writer = await this.#open();
    await writer.commit(index, plan);
  }

  /** Leaves no trace of the log, however far it came. */
  async discard(): Promise<void> {
    if (this.#writer === null) return;
    // A log that could not be created has no writer to discard; the failure itself went to whoever appended.
    const writer = await this.#writer.catch(() => null);
    await writer?.discard();
  }

  #open(): Promise<RequestLogWriter> {
    return (this.#writer ??= this.#spool.createRequestLog(this.#batchId));
  }
}
