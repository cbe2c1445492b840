import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What was done to files through their handles, in this thread, since the count began. */
export interface FileCounts {
  readonly syncs: number;
  readonly reads: number;
  readonly bytesRead: number;
  readonly writes: number;
}

export interface CountedFiles {
  readonly counts: FileCounts;
  /** Lets files be as they were. */
  stop(): void;
}

type Calls = Pick<FileHandle, 'datasync' | 'sync' | 'read' | 'write'>;

/** Counts from now on. Node does not export the class of its file handles, so that it is taken from one. */
export async function countFiles(): Promise<CountedFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-counts-'));
  const handle = await open(join(directory, 'any'), 'w');
  const prototype = Object.getPrototypeOf(handle) as Calls;
  await handle.close();
  await rm(directory, { recursive: true });
  const { datasync, sync, read, write } = prototype;
  const counts = { syncs: 0, reads: 0, bytesRead: 0, writes: 0 };
  const counting = {
    datasync(this: FileHandle): Promise<void> {
      counts.syncs++;
      return datasync.call(this);
    },
    sync(this: FileHandle): Promise<void> {
      counts.syncs++;
      return sync.call(this);
    },
    async read(this: FileHandle, ...args: Parameters<FileHandle['read']>): Promise<{ readonly bytesRead: number }> {
      counts.reads++;
      const result = await read.apply(this, args);
      counts.bytesRead += result.bytesRead;
      return result;
    },
    write(this: FileHandle, ...args: Parameters<FileHandle['write']>): unknown {
      counts.writes++;
      return write.apply(this, args);
    },
  };
  Object.assign(prototype, counting);
  return { counts, stop: () => void Object.assign(prototype, { datasync, sync, read, write }) };
}
