/** Starts a server from the bundle and, once it listens, says as JSON what that has loaded and compiled. */
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
  const keptBytes = sum(files.map((file) => file.keptBytes));
  const compiledBytes = sum(files.map(({ script }) => bytesOf(script))) - keptBytes;
  const packages = Object.keys(createRequire(import.meta.url).cache).flatMap(packageOf);
  const ofNode = process.moduleLoadList.map((name) => name.replace('NativeModule ', ''));
  const loaded = { files: files.map(shown), packages: [...new Set(packages)].toSorted(), ofNode };
  writeSync(1, JSON.stringify({ ...loaded, keptBytes, compiledBytes }));
  process.kill(process.pid, 'SIGTERM');
  return true;
};
// What is compiled of a file when it was read and has not run is what the build has kept of it.
runBundle((name, script) => files.push({ name, script, keptBytes: bytesOf(script) }));

function shown({ name, script }) {
  return { name, isCompiled: script.cachedDataRejected === false };
}

function bytesOf(script) {
  return script.createCachedData().length;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function packageOf(path) {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return name === undefined ? [] : [name];
}
