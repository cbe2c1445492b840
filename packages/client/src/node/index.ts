/** Runs kept in files, for Node. */
export { openFileStore } from './file-store.ts';
export type { RunStore } from '../store/run-store.ts';
