import { constants, readdirSync } from 'node:fs';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import type { OpenMode, SpoolFile, SpoolFiles } from './spool-files.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

// Where the platform has no O_DIRECT the constant is absent at run time, and `direct` says so as a file system would.
const DIRECT_FLAG: number | undefined = constants.O_DIRECT;

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  direct: constants.O_WRONLY | constants.O_CREAT | (DIRECT_FLAG ?? 0),
};

/** The operating system's files. */
export const nodeFiles: SpoolFiles = {
  async open(path, mode) {
    if (mode === 'direct' && DIRECT_FLAG === undefined) {
      throw Object.assign(new Error(`no direct I/O on ${process.platform}`), { code: 'EINVAL' });
    }
    return new NodeFile(await open(path, FLAGS[mode], OWNER_ONLY_FILE));
  },
  async makeDirectory(path) {
    await mkdir(path, { mode: OWNER_ONLY_DIRECTORY });
  },
  async syncDirectory(path) {
    // Windows neither opens nor syncs directories; NTFS journals names itself.
    if (process.platform === 'win32') return;
    const directory = await open(path, constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
  async remove(path) {
    await rm(path, { recursive: true, force: true });
  },
  async list(path) {
    // Asked once, before anybody is served: without the thread pool, which would have to be started for it.
    return readdirSync(path);
  },
};

class NodeFile implements SpoolFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(target, 0, target.length, position)).bytesRead;
  }

  async write(source: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(source, 0, source.length, position)).bytesWritten;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async identity(): Promise<string> {
    const { dev, ino, size, mtimeNs, ctimeNs } = await this.#handle.stat({ bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  }

  async truncate(bytes: number): Promise<void> {
    await this.#handle.truncate(bytes);
  }

  async datasync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
