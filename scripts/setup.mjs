import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/**
 * What `npm start` and `npm test` do first, so that a fresh clone needs nothing else: install what the lock file says,
 * and build what changed. Plain Node without dependencies, since it runs before there are any.
 */

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const NODE_FLOOR = [20, 19];
/** Written by npm at the very end of an install, so that a broken-off one counts as none. */
const INSTALLED = join(ROOT, 'node_modules', '.package-lock.json');
/** Written by `build.mjs` at the end of a build. */
export const BUILT = join(ROOT, 'packages', 'cli', 'dist', '.built');
const SOURCES = /\.(ts|json|mjs)$/;
const NO_SOURCES = new Set(['node_modules', 'dist', 'build', 'wasm']);

/** Installs and builds where needed; leaves the process with the failing step's code when one fails. */
export function setUp() {
  requireNode();
  if (isOlder(INSTALLED, join(ROOT, 'package-lock.json'))) {
    announce('Installing dependencies (npm ci)');
    runOrLeave(...npm(['ci']));
  }
  if (isStale()) {
    announce('Building');
    runOrLeave(process.execPath, [join(ROOT, 'scripts', 'build.mjs')]);
  }
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor >= NODE_FLOOR[1])) return;
  process.stderr.write(
    `batchwright: Node ${process.versions.node} is too old. Install Node ${NODE_FLOOR.join('.')} or newer.\n`,
  );
  process.exit(1);
}

/** The npm that runs us, or the one on the path. */
function npm(args) {
  const own = process.env.npm_execpath;
  return own?.endsWith('.js') === true ? [process.execPath, [own, ...args]] : ['npm', args];
}

function isOlder(made, from) {
  return !existsSync(made) || statSync(made).mtimeMs < statSync(from).mtimeMs;
}

function isStale() {
  if (!existsSync(BUILT)) return true;
  const builtAt = statSync(BUILT).mtimeMs;
  return ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json', 'scripts', 'packages', 'examples'].some((name) =>
    changedSince(join(ROOT, name), builtAt),
  );
}

function changedSince(path, time) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return SOURCES.test(path) && stat.mtimeMs > time;
  return readdirSync(path).some((name) => !NO_SOURCES.has(name) && changedSince(join(path, name), time));
}

function runOrLeave(command, args) {
  // Standard output belongs to the command that was asked for; what set-up has to say goes beside it.
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  process.stderr.write(`batchwright: set-up failed: ${error?.message ?? `${command} ${args.join(' ')}`}\n`);
  process.exit(status ?? 1);
}

function announce(what) {
  process.stderr.write(`${what} …\n`);
}
