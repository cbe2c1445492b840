/** Runs kept in files, for Node. */
export type { RunStore } from '../store/run-store.ts';
