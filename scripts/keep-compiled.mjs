/**
 * Starts a server from the bundle and the data directory it is given, with the options that follow, and keeps what V8
 * compiled for that, together with what was kept before. A process of its own, for the bundle takes the arguments, the
 * output and the end of the one it is in.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { COMPILED, runBundle, sealed } from '../packages/cli/bin/bundle.js';

const [bundle, directory, ...options] = process.argv.slice(2);
const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', directory, '--log-level', 'silent'];
process.argv = [process.execPath, 'batchwright', ...args, ...options];

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
