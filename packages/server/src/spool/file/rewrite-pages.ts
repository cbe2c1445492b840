import { readFully, writeFully, type SpoolFile } from './spool-files.ts';

/** The unit in which the kernel holds and writes back file contents. */
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Writes bytes of a file again as they can be read, so that the next sync is about them. After a sync that failed the kernel
 * may call pages clean that never came to the disk: they read as if they were there, and no later sync writes them.
 */
export async function rewritePages(file: SpoolFile, from: number, to: number): Promise<void> {
  for (let at = from - (from % PAGE_BYTES); at < to; at += CHUNK_BYTES) {
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, to - at));
    if ((await readFully(file, bytes, at)) < bytes.length) throw new Error('good bytes are gone after a failed sync');
    await writeFully(file, bytes, at);
  }
}
