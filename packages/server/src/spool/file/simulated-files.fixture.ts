import { crc32 } from 'node:zlib';
import type { SpoolFile, SpoolFiles } from './spool-files.ts';

/** One effect on a file, in the order in which they happened; a crash falls between two of them or inside a write. */
export type FileEffect =
  | { readonly type: 'write'; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: 'truncate'; readonly path: string; readonly bytes: number }
  | { readonly type: 'remove'; readonly path: string }
  | { readonly type: 'sync'; readonly path: string }
  | { readonly type: 'syncDirectory'; readonly path: string };

/** Contents by path. */
export type Disk = ReadonlyMap<string, Uint8Array>;

const failure = (code: string) => Object.assign(new Error(code), { code });

/** A file system in memory that keeps a log of its effects and can be told to run full or to fail a sync. */
export class SimulatedFiles implements SpoolFiles {
  readonly contents: Map<string, Uint8Array>;
  readonly effects: FileEffect[] = [];
  /** Bytes that still fit; growing past them fails with ENOSPC after as much as fits. */
  spaceBytes = Infinity;
  /** Whether `direct` opens; when not, it fails as a file system without it does. */
  takesDirect = true;
  /** Called before each sync; what it throws, the sync rejects with. */
  onSync: (path: string) => void | Promise<void> = () => undefined;
  readonly #directories = new Set<string>();
  openFiles = 0;

  constructor(contents: Disk = new Map()) {
    this.contents = new Map(contents);
    for (const path of contents.keys()) this.#directories.add(path.slice(0, path.lastIndexOf('/')));
  }

  async open(path: string, mode: 'read' | 'write' | 'direct'): Promise<SpoolFile> {
    if (mode === 'direct' && !this.takesDirect) throw failure('EINVAL');
    if (!this.contents.has(path)) {
      if (mode === 'read' || !this.#directories.has(path.slice(0, path.lastIndexOf('/')))) throw failure('ENOENT');
      this.#write(path, new Uint8Array(0), 0);
    }
    this.openFiles++;
    let closed = false;
    const whileOpen = <T>(use: () => T): T => {
      if (closed) throw failure('EBADF');
      return use();
    };
    return {
      read: async (target, position) =>
        whileOpen(() => {
          const part = this.#bytes(path).subarray(position, position + target.length);
          target.set(part);
          return part.length;
        }),
      write: async (source, position) => whileOpen(() => this.#write(path, source, position)),
      size: async () => whileOpen(() => this.#bytes(path).length),
      identity: async () => whileOpen(() => `${this.#bytes(path).length}:${crc32(this.#bytes(path))}`),
      truncate: async (bytes) => whileOpen(() => this.#truncate(path, bytes)),
      datasync: async () => {
        whileOpen(() => undefined);
        await this.onSync(path);
        this.effects.push({ type: 'sync', path });
      },
      close: async () => {
        if (!closed) this.openFiles--;
        closed = true;
      },
    };
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) throw failure('EEXIST');
    this.#directories.add(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.onSync(path);
    this.effects.push({ type: 'syncDirectory', path });
  }

  async remove(path: string): Promise<void> {
    for (const name of [...this.contents.keys()]) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      this.contents.delete(name);
      this.effects.push({ type: 'remove', path: name });
    }
    this.#directories.delete(path);
  }

  async list(path: string): Promise<readonly string[]> {
    const names = [...this.#directories, ...this.contents.keys()].filter((name) => name.startsWith(`${path}/`));
    return [...new Set(names.map((name) => name.slice(path.length + 1).split('/')[0] ?? ''))];
  }

  #bytes(path: string): Uint8Array {
    return this.contents.get(path) ?? new Uint8Array(0);
  }

  #write(path: string, source: Uint8Array, position: number): number {
    const grows = Math.max(0, position + source.length - this.#bytes(path).length);
    const fits = source.length - Math.max(0, grows - this.spaceBytes);
    if (source.length > 0 && fits <= 0) throw failure('ENOSPC');
    const bytes = Uint8Array.from(source.subarray(0, fits));
    this.spaceBytes -= Math.max(0, position + bytes.length - this.#bytes(path).length);
    this.contents.set(path, applied(this.#bytes(path), { type: 'write', path, position, bytes }));
    this.effects.push({ type: 'write', path, position, bytes });
    return bytes.length;
  }

  #truncate(path: string, bytes: number): void {
    this.spaceBytes += Math.max(0, this.#bytes(path).length - bytes);
    this.contents.set(path, applied(this.#bytes(path), { type: 'truncate', path, bytes }));
    this.effects.push({ type: 'truncate', path, bytes });
  }
}

/** The disk as a kill leaves it after `effects`, the last write cut after `lastBytes`. */
export function diskAfter(start: Disk, effects: readonly FileEffect[], lastBytes = Infinity): Map<string, Uint8Array> {
  const disk = new Map(start);
  effects.forEach((effect, i) => {
    if (effect.type === 'remove') disk.delete(effect.path);
    if (effect.type !== 'write' && effect.type !== 'truncate') return;
    const torn = effect.type === 'write' && i === effects.length - 1;
    const happened = torn ? { ...effect, bytes: effect.bytes.subarray(0, lastBytes) } : effect;
    disk.set(effect.path, applied(disk.get(effect.path) ?? new Uint8Array(0), happened));
  });
  return disk;
}

/** A file's contents after one effect; a gap before a write is zeros. */
export function applied(
  before: Uint8Array,
  effect: Extract<FileEffect, { readonly type: 'write' | 'truncate' }>,
): Uint8Array {
  const end = effect.type === 'truncate' ? effect.bytes : effect.position + effect.bytes.length;
  const after = new Uint8Array(effect.type === 'truncate' ? end : Math.max(before.length, end));
  after.set(before.subarray(0, after.length));
  if (effect.type === 'write') after.set(effect.bytes, effect.position);
  return after;
}
