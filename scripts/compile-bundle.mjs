/**
 * Starts a server from the bundle in the directory it is given, on a data directory and a port of its own, and keeps
 * what V8 compiled for that. Run by `bundle.mjs` as a process of its own, for the bundle takes the arguments, the output and the end of the one it is in.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { COMPILED, runBundle, sealed } from '../packages/cli/bin/bundle.js';

const bundle = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'batchwright-build-'));
const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', directory, '--log-level', 'silent'];
process.argv = [process.execPath, 'batchwright', ...args];
// What the environment configures is for the user's own server.
for (const name of Object.keys(process.env)) if (name.startsWith('BATCHWRIGHT_')) delete process.env[name];
process.chdir(directory);
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const loaded = [];
process.stdout.write = () => {
  // The first words of a server say that it listens: all that a start runs has been compiled by then.
  for (const { name, script, source } of loaded) {
    writeFileSync(join(bundle, name + COMPILED), sealed(script, source));
  }
  loaded.length = 0;
  // That it stops is no news to whoever builds.
  process.stderr.write = () => true;
  process.kill(process.pid, 'SIGTERM');
  return true;
};
runBundle((name, script, source) => loaded.push({ name, script, source }), bundle);
