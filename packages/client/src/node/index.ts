/** Runs kept in files, for Node; and what keeping files takes, for whoever keeps others beside them. */
export { errorCode } from './error-code.ts';
export { openFileStore } from './file-store.ts';
export { isAlive } from './living-process.ts';
export { syncDirectory } from './sync-directory.ts';
export type { RunStore } from '../store/run-store.ts';
