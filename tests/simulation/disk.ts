import {
  applied,
  SimulatedFiles,
  type FileEffect,
} from '../../packages/server/src/spool/file/simulated-files.fixture.ts';
import type { SpoolFile, SpoolFiles } from '../../packages/server/src/spool/file/spool-files.ts';
import type { Chance } from './chance.ts';
import { mortal, type Life } from './mortal.ts';

type Change = Extract<FileEffect, { readonly type: 'write' | 'truncate' }>;

export const SPOOL_ROOT = '/spool';

/**
 * The disk of a machine whose processes come and go. A kill leaves what was written; a loss of power leaves of each file
 * what was synced, and of the rest something: all of a write, none, a part, or zeros. A name is safe once its directory is
 * synced: before, what was made may be gone and what was removed may be back.
 *
 * A sync that fails loses what it was for: the kernel calls those pages clean, and no later sync writes them.
 */
export class SimulatedDisk {
  /** Files open in the process that runs now. */
  get openFiles(): number {
    return this.#files.openFiles;
  }
  /** What lies there, for those who only look. */
  get stored(): SpoolFiles {
    return this.#files;
  }
  readonly #chance: Chance;
  #files = new SimulatedFiles();
  readonly #synced = new Map<string, Uint8Array>();
  readonly #unsynced = new Map<string, Change[]>();
  /** Files of which a sync failed, for as long as the process that heard of it lives. */
  readonly #dropped = new Set<string>();
  readonly #unsyncedNames = new Set<string>();
  readonly #unsyncedRemovals = new Map<string, Uint8Array>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  setFull(isFull: boolean): void {
    this.#files.spaceBytes = isFull ? this.#chance.between(0, 300) : Number.POSITIVE_INFINITY;
  }

  /** How often a sync fails, from 0 to 1. */
  setSyncFailures(probability: number): void {
    this.#files.onSync = () => {
      if (this.#chance.isLucky(probability)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
  }

  /** The process is gone, and with it its descriptors. What a failed sync had dropped comes to the disk after all. */
  loseProcess(): void {
    this.#files.openFiles = 0;
    for (const path of this.#dropped) {
      this.#unsynced.delete(path);
      this.#synced.set(path, this.#files.contents.get(path) ?? new Uint8Array(0));
    }
    this.#dropped.clear();
  }

  losePower(): void {
    const contents = new Map<string, Uint8Array>();
    const lost = new Set([...this.#unsyncedNames].filter(() => this.#chance.isLucky(0.5)));
    for (const [path, removed] of this.#unsyncedRemovals) if (this.#chance.isLucky(0.5)) contents.set(path, removed);
    for (const path of this.#files.contents.keys()) {
      if (lost.has(path) || lost.has(parentOf(path))) continue;
      let bytes = this.#synced.get(path) ?? new Uint8Array(0);
      for (const change of this.#unsynced.get(path) ?? []) bytes = applied(bytes, this.#mangled(change, bytes.length));
      contents.set(path, bytes);
    }
    this.#files = new SimulatedFiles(contents);
    for (const pending of [this.#unsynced, this.#dropped, this.#unsyncedNames, this.#unsyncedRemovals, this.#synced])
      pending.clear();
    for (const [path, bytes] of contents) this.#synced.set(path, bytes);
  }

  /** The disk as one process sees it. */
  filesOf(life: Life): SpoolFiles {
    const files = this.#files;
    const noted: SpoolFiles = {
      makeDirectory: async (path) => {
        await files.makeDirectory(path);
        this.#unsyncedNames.add(path);
      },
      list: (path) => files.list(path),
      open: async (path, mode) => {
        if (!files.contents.has(path)) this.#unsyncedNames.add(path);
        return this.#file(path, await files.open(path, mode), life);
      },
      remove: async (path) => {
        for (const name of files.contents.keys()) if (name === path || name.startsWith(`${path}/`)) this.#removed(name);
        this.#unsyncedNames.delete(path);
        await files.remove(path);
      },
      syncDirectory: async (path) => {
        await files.syncDirectory(path);
        this.#syncedDirectory(path);
      },
    };
    return mortal('files', noted, life);
  }

  #file(path: string, file: SpoolFile, life: Life): SpoolFile {
    const write = async (source: Uint8Array, position: number): Promise<number> => {
      const written = await file.write(source, position);
      this.#changed({ type: 'write', path, position, bytes: Uint8Array.from(source.subarray(0, written)) });
      return written;
    };
    const noted: SpoolFile = {
      read: (target, position) => file.read(target, position),
      write,
      size: () => file.size(),
      identity: () => file.identity(),
      truncate: async (bytes) => {
        await file.truncate(bytes);
        this.#changed({ type: 'truncate', path, bytes });
      },
      datasync: async () => {
        // What is written while a sync is under way is not in it.
        const changes = this.#unsynced.get(path) ?? [];
        this.#unsynced.set(path, []);
        await file.datasync().catch((error: unknown) => {
          this.#dropped.add(path);
          throw error;
        });
        this.#files.effects.length = 0;
        this.#synced.set(path, changes.reduce(applied, this.#synced.get(path) ?? new Uint8Array(0)));
      },
      close: () => file.close(),
    };
    const whole = mortal('file', noted, life);
    const torn = (source: Uint8Array, position: number) => () =>
      write(source.subarray(0, this.#chance.between(0, source.length)), position);
    return {
      read: (target, position) => whole.read(target, position),
      write: (source, position) => life.effect('file.write', () => write(source, position), torn(source, position)),
      size: () => whole.size(),
      identity: () => whole.identity(),
      truncate: (bytes) => whole.truncate(bytes),
      datasync: () => whole.datasync(),
      close: () => whole.close(),
    };
  }

  #changed(change: Change): void {
    const changes = this.#unsynced.get(change.path);
    if (changes === undefined) this.#unsynced.set(change.path, [change]);
    else changes.push(change);
  }

  #removed(path: string): void {
    if (!this.#unsyncedNames.delete(path))
      this.#unsyncedRemovals.set(path, this.#synced.get(path) ?? new Uint8Array(0));
    this.#unsynced.delete(path);
    this.#dropped.delete(path);
    this.#synced.delete(path);
  }

  #syncedDirectory(directory: string): void {
    for (const path of this.#unsyncedNames) if (parentOf(path) === directory) this.#unsyncedNames.delete(path);
    for (const path of this.#unsyncedRemovals.keys())
      if (path.startsWith(`${directory}/`)) this.#unsyncedRemovals.delete(path);
  }

  /** What became of a change that no sync followed; zeros come where a file grew, and never over what it had. */
  #mangled(change: Change, fileBytes: number): Change {
    const fate = this.#chance.pick(['all', 'none', 'part', 'zeros']);
    if (change.type === 'truncate' || fate === 'all') return change;
    const { bytes } = change;
    if (fate === 'none') return { ...change, position: 0, bytes: bytes.subarray(0, 0) };
    if (fate === 'part') return { ...change, bytes: bytes.subarray(0, this.#chance.between(0, bytes.length)) };
    const grownFrom = Math.min(bytes.length, Math.max(0, fileBytes - change.position));
    const from = this.#chance.between(grownFrom, bytes.length);
    return { ...change, bytes: bytes.slice().fill(0, from, this.#chance.between(from, bytes.length)) };
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
