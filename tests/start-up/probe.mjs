/** Starts a server from the bundle and, once it listens, says as JSON what that has loaded. */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { runBundle } from '../../packages/cli/bin/bundle.js';

const files = [];
process.argv = [
  process.execPath,
  'batchwright',
  'serve',
  '--port',
  '0',
  '--log-level',
  'silent',
  ...process.argv.slice(2),
];
process.stdout.write = () => {
  const packages = Object.keys(createRequire(import.meta.url).cache).flatMap(packageOf);
  const ofNode = process.moduleLoadList.map((name) => name.replace('NativeModule ', ''));
  writeSync(1, JSON.stringify({ files, packages: [...new Set(packages)].toSorted(), ofNode }));
  process.kill(process.pid, 'SIGTERM');
  return true;
};
runBundle((name, script) => files.push({ name, isCompiled: script.cachedDataRejected === false }));

function packageOf(path) {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return name === undefined ? [] : [name];
}
