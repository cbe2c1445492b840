import type { ResultLog } from './spool.ts';

/** What an opener gets whose epoch was overtaken before it came: nothing to read and nothing it may write. */
export const lostLog: ResultLog = {
  settled: { requests: new Uint32Array(0), types: new Uint8Array(0) },
  findings: { lost: 0, adopted: 0 },
  lastSyncSeconds: 0,
  commit: async () => 'lost',
  close: async () => undefined,
};
