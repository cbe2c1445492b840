import type { SpoolFiles } from './spool-files.ts';

/**
 * Files that are written and never synced: they survive the process, but not the machine's loss of power. For the
 * emulator, where virtual time waits for every commit and nothing was paid for.
 */
export function unsyncedFiles(files: SpoolFiles): SpoolFiles {
  return {
    ...files,
    syncDirectory: () => Promise.resolve(),
    open: async (path, mode) => {
      const file = await files.open(path, mode);
      return {
        read: (target, position) => file.read(target, position),
        write: (source, position) => file.write(source, position),
        size: () => file.size(),
        identity: () => file.identity(),
        truncate: (bytes) => file.truncate(bytes),
        datasync: () => Promise.resolve(),
        close: () => file.close(),
      };
    },
  };
}
