/**
 * Keeps beside the files of the bundle what V8 compiled of them for two starts: one in an empty directory, and one that
 * recovers a batch that was half done. Each start is a cold V8's, where code runs for the first time and mostly once.
 *
 * Recovery is what this can do without: where no half-done batch can be made, it says so, and the first start's stays.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { leaveHalfDone } from './half-done-batch.mjs';

const KEEP = fileURLToPath(new URL('./keep-compiled.mjs', import.meta.url));
const START_LIMIT_MS = 30_000;

const bundle = process.argv[2];
const root = mkdtempSync(join(tmpdir(), 'batchwright-build-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
// What the environment configures is for the user's own server.
for (const name of Object.keys(process.env)) if (name.startsWith('BATCHWRIGHT_')) delete process.env[name];

keepStart(directory('empty'));
try {
  const halfDone = directory('half-done');
  await leaveHalfDone(bundle, halfDone);
  // Its upstream need not be there: what a start sends is sent after its first words.
  keepStart(halfDone, '--upstream', 'http://127.0.0.1:9', '--shutdown-grace-seconds', '0');
} catch (error) {
  process.stderr.write(`compile-bundle: recovery was not compiled, and starts slower: ${error.message}\n`);
}

function directory(name) {
  const path = join(root, name);
  mkdirSync(path);
  return path;
}

function keepStart(directory, ...options) {
  const { status, signal, error } = spawnSync(process.execPath, [KEEP, bundle, directory, ...options], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: START_LIMIT_MS,
  });
  if (status !== 0) throw new Error(`a start of the bundle ended with ${status ?? signal}`, { cause: error });
}
