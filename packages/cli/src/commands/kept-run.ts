/**
 * A run that was begun before, before it is decided whether to take it up. Its directory is the client's, but for
 * `server/`, where the embedded server keeps its data.
 */
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRecord, RunStore } from '@batchwright/client';
import { PLANNING_FLAGS } from './run-options.ts';

/** A command that does not fit the run that is kept: what is wrong and what helps, in one line. */
export class KeptRunError extends Error {
  override readonly name = 'KeptRunError';
}

/** How requests came to be, by name; a run is taken up only by what is the same. */
export type Identity = Readonly<Record<string, string>>;

/** What differs between the kept run and another, by name. */
export interface Differences {
  /** What is asked of whom. */
  readonly requests: readonly string[];
  /** How requests are put into batches, which is settled once a batch was sent. */
  readonly planning: readonly string[];
}

/** Null: there is no run. */
export function differencesFrom(record: RunRecord, identity: Identity): Differences | null {
  if (record.begun === null) return null;
  const kept = record.begun.identity;
  const names = [...new Set([...Object.keys(kept), ...Object.keys(identity)])];
  const differing = names.filter((name) => kept[name] !== identity[name]);
  const isPlanning = (name: string): boolean => PLANNING_FLAGS.some((flag) => flag === name);
  return { requests: differing.filter((name) => !isPlanning(name)), planning: differing.filter(isPlanning) };
}

/**
 * Server ids of the batches that may still be under way; null for one that nobody knows whether it was created, or which
 * it is: what was found for it may be another's.
 */
export function openBatchIds(record: RunRecord): readonly (string | null)[] {
  return record.batches.flatMap(({ state }) => {
    if (state.type === 'sending') return [null];
    if (state.type !== 'sent') return [];
    return [state.isAdopted ? null : state.id];
  });
}

/** Where the embedded server keeps its data. */
export function serverDirectory(runDir: string): string {
  return join(runDir, 'server');
}

/** Removes what the embedded server kept. */
export async function removeServerData(runDir: string): Promise<void> {
  await rm(serverDirectory(runDir), { recursive: true, force: true });
}

/** Makes as if the run had never been, and closes its store. */
export async function removeRun(store: RunStore, runDir: string): Promise<void> {
  await store.clear();
  await removeServerData(runDir);
  await rm(join(runDir, 'journal.jsonl'), { force: true });
  await store.close();
  // Whatever else is in there is not ours to remove, and keeps its directory.
  await rmdir(runDir).catch(() => undefined);
}
