import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningStore } from './stores.ts';

const COUNTER = join(fileURLToPath(new URL('../../peers/', import.meta.url)), 'kept-results.js');

/** How many results are stored, where each peer stores them: in its file, its database, or the server's own log. */
export function keptResults(directory: string, store: RunningStore | null): number {
  const type = store?.terms['type'];
  if (store === null) return wholeLines(join(directory, 'results.jsonl'));
  if (type === 'batchwright') {
    const batches = join(store.directory, 'batches');
    return readdirSync(batches).reduce((sum, batch) => sum + wholeLines(join(batches, batch, 'results.jsonl')), 0);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [COUNTER, JSON.stringify({ store: store.terms })], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`results could not be counted: ${stderr}`);
  return Number(stdout);
}

function wholeLines(file: string): number {
  if (!existsSync(file)) return 0;
  let lines = 0;
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}
