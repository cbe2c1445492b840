/**
 * The command line as the build has put it together: a few files instead of several hundred modules, and beside those
 * that a start of the server needs, what V8 compiled of them. Reading and compiling code is most of a start: `serve` took
 * 280 ms from its modules, 144 ms from few files and takes 115 ms from compiled ones, of which 75 ms are Node's own.
 *
 * What was compiled fits one version of V8 on one kind of machine. V8 checks that, and compiles anew where it does not. It
 * does not check more: a byte that changed on a disk ends the process in one of three cases, and code compiled of
 * another text of the same length is run as if it were this text's. So checksums of both stand before it, checked here.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** Where the build puts it. */
export const BUNDLE = new URL('../dist/bundle/', import.meta.url);
/** Ends the name of what was compiled of a file. */
export const COMPILED = '.compiled';

/**
 * Runs the command line with this process's arguments, from where the build puts it unless told otherwise; `loaded` hears
 * of each file, its script and its source.
 */
export function runBundle(loaded = () => undefined, directory = BUNDLE) {
  const modules = new Map();
  const load = (name) => {
    const known = modules.get(name);
    if (known !== undefined) return known;
    const source = readFileSync(new URL(name, directory));
    const script = compile(name, source, readIfThere(new URL(name + COMPILED, directory)));
    const exports = {};
    modules.set(name, exports);
    loaded(name, script, source);
    script.runInThisContext()(exports, (id) => (id.startsWith('./') ? load(id.slice(2)) : requireDependency(id)));
    return exports;
  };
  load('main.cjs');
}

/** What is to be kept of a script that was compiled of a source. */
export function sealed(script, source) {
  const compiled = script.createCachedData();
  const seal = Buffer.alloc(SEAL_BYTES);
  seal.writeUInt32LE(crc32(source), 0);
  seal.writeUInt32LE(crc32(compiled), 4);
  return Buffer.concat([seal, compiled]);
}

const SEAL_BYTES = 8;
/** In stack traces. What was compiled keeps its name, and must not name a directory of whoever built it. */
const SHOWN_DIRECTORY = 'batchwright/dist/bundle/';

function compile(name, source, kept) {
  const cachedData = unsealed(kept, source);
  return new Script(source.toString(), { filename: SHOWN_DIRECTORY + name, ...(cachedData && { cachedData }) });
}

/** What was compiled of this very source, and is as it was written; else nothing. */
function unsealed(kept, source) {
  if (kept === undefined || kept.length < SEAL_BYTES) return undefined;
  const compiled = kept.subarray(SEAL_BYTES);
  const isWhole = kept.readUInt32LE(0) === crc32(source) && kept.readUInt32LE(4) === crc32(compiled);
  return isWhole ? compiled : undefined;
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
