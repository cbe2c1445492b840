/**
 * The command line as the build has put it together: a few files instead of several hundred modules, and beside those
 * that a start of the server needs, what V8 compiled of them. Reading and compiling code is most of a start: `serve` took
 * 280 ms from its modules, 144 ms from few files and takes 115 ms from compiled ones, of which 75 ms are Node's own.
 *
 * What was compiled fits one version of V8 on one kind of machine. V8 checks that, and compiles anew where it does not.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** Where the build puts it. */
export const BUNDLE = new URL('../dist/bundle/', import.meta.url);
/** Ends the name of what was compiled of a file. */
export const COMPILED = '.compiled';

/** Runs the command line with this process's arguments; `loaded` hears of each file. */
export function runBundle(loaded = () => undefined) {
  const modules = new Map();
  const load = (name) => {
    const known = modules.get(name);
    if (known !== undefined) return known;
    const script = compile(name);
    const exports = {};
    modules.set(name, exports);
    loaded(name, script);
    script.runInThisContext()(exports, (id) => (id.startsWith('./') ? load(id.slice(2)) : requireDependency(id)));
    return exports;
  };
  load('main.cjs');
}

function compile(name) {
  const url = new URL(name, BUNDLE);
  const cachedData = readIfThere(new URL(name + COMPILED, BUNDLE));
  return new Script(readFileSync(url, 'utf8'), { filename: fileURLToPath(url), ...(cachedData && { cachedData }) });
}

const requireOwn = createRequire(import.meta.url);

/** What the server alone depends on lies beside the server, where packages are not laid out flat. */
function requireDependency(id) {
  try {
    return requireOwn(id);
  } catch (error) {
    if (error?.code !== 'MODULE_NOT_FOUND') throw error;
    return createRequire(requireOwn.resolve('@batchwright/server'))(id);
  }
}

function readIfThere(url) {
  try {
    return readFileSync(url);
  } catch (error) {
    if (error?.code === 'ENOENT') return undefined;
    throw error;
  }
}
