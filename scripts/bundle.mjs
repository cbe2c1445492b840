/**
 * Puts the command line and the packages behind it into a few files, `packages/cli/dist/bundle`, and keeps what V8
 * compiled of them beside them (`packages/cli/bin/bundle.js` says why). What others wrote stays outside, under its own
 * licence.
 *
 * A file is one function of `exports` and `require`. Names and lines are kept, so that a stack trace can be read.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { ROOT } from './setup.mjs';

const CLI = join(ROOT, 'packages', 'cli');
const TARGET = join(CLI, 'dist', 'bundle');
/** Of this build alone, for there may be another at the same time; what a killed one leaves is in no package. */
const UNFINISHED = join(CLI, 'build', `bundle-${process.pid}`);
const OURS = /^(\.|\/|@batchwright\/)/;

const bundle = await rolldown({
  input: join(CLI, 'src', 'main.ts'),
  platform: 'node',
  tsconfig: false,
  resolve: { conditionNames: ['batchwright-source'] },
  external: (id) => isBuiltin(id) || !OURS.test(id),
  plugins: [{ name: 'versions', transform: { filter: { code: 'package.json' }, handler: namedVersion } }],
  onLog: (level, log) => {
    throw new Error(`bundling: ${level}: ${log.message}`);
  },
});
const { output } = await bundle.generate({
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
  comments: false,
  // A script that was compiled before it was run is given no way to import; every Node we run on can require modules.
  dynamicImportInCjs: false,
});
rmSync(UNFINISHED, { recursive: true, force: true });
mkdirSync(UNFINISHED, { recursive: true });
for (const { fileName, code } of output) {
  if (/__filename|\bmodule\.exports\b/.test(code))
    throw new Error(`${fileName} asks where it lies, which the bundle moved`);
  writeFileSync(join(UNFINISHED, fileName), `(function (exports, require) {${inAscii(fileName, code)}\n})`);
}
const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('./compile-bundle.mjs', import.meta.url)), UNFINISHED],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
if (status === 0) putInPlace();
rmSync(UNFINISHED, { recursive: true, force: true });
process.exitCode = status ?? 1;

/** What is read at each start is ASCII: 1 MB of it becomes a string in 0.3 ms, and in 2.2 ms where one letter is not. */
function inAscii(fileName, code) {
  // Raw text would have the escape in it, and a letter behind a backslash would be another.
  if (/String\.raw`[^`]*[^\0-\x7f]|(?<!\\)\\(?:\\\\)*[^\0-\x7f]/.test(code))
    throw new Error(`${fileName} has letters beyond ASCII where they cannot be escaped`);
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The old one goes whole, since a file of another build would fit nothing; also one that another build puts there now. */
function putInPlace() {
  for (;;) {
    rmSync(TARGET, { recursive: true, force: true, maxRetries: 3 });
    try {
      return renameSync(UNFINISHED, TARGET);
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
  }
}

/** A package asks its own package.json for its version, which lies elsewhere than the bundle. */
function namedVersion(code, id) {
  const reading = /createRequire\(import\.meta\.url\)\('([./]+package\.json)'\)/;
  const path = reading.exec(code)?.[1];
  if (path === undefined) return null;
  const { version } = JSON.parse(readFileSync(join(id, '..', path), 'utf8'));
  return { code: code.replace(reading, JSON.stringify({ version })), map: null };
}
