import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small file system of its own, in memory, that can really be filled. Mounting needs privileges. */
export interface SmallDisk {
  readonly path: string;
  /** Takes every byte that is left. */
  fill(): Promise<void>;
  /** Gives them back. */
  free(): Promise<void>;
  makeReadOnly(): boolean;
  /** Whoever uses it must be gone. */
  remove(): void;
}

/** Mounts a disk, or answers null where that is not permitted. */
export function mountSmallDisk(bytes: number): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), 'batchwright-disk-'));
  if (!runs('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path)) {
    rmSync(path, { recursive: true });
    return null;
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: async () => {
      const outcome = await writeFile(ballast, Buffer.alloc(bytes)).catch((error: unknown) => error);
      const isFull = outcome instanceof Error && 'code' in outcome && outcome.code === 'ENOSPC';
      if (!isFull) throw new Error('the disk did not fill', { cause: outcome });
    },
    free: () => rm(ballast),
    makeReadOnly: () => runs('mount', '-o', 'remount,ro', path),
    remove: () => {
      runs('umount', path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Whether this machine lets us mount; tests that need it are left out otherwise. */
export function canMount(): boolean {
  const disk = mountSmallDisk(64 * 1024);
  disk?.remove();
  return disk !== null;
}

function runs(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args).status === 0;
}
