'use strict';

/**
 * The command line as the build has put it together: a few files instead of several hundred modules, and beside those
 * that a start of the server needs, what V8 compiled of them. Reading and compiling code is most of a start: `serve` took
 * 280 ms from its modules, 144 ms from few files and 115 ms from compiled ones, of which 75 ms were Node's own.
 *
 * What was compiled fits one version of V8 on one kind of machine. V8 checks that, and compiles anew where it does not. It
 * does not check more: a byte that changed on a disk ends the process in one of three cases, and code compiled of
 * another text of the same length is run as if it were this text's. So checksums of both stand before it, checked here.
 *
 * CommonJS, alone in this repository, since it is what runs before anything else: Node loads its loader of modules only
 * where there is one to load, and that takes 5 ms of processor time where all of `node -e 0` takes 26.
 */
const { existsSync, readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { Script } = require('node:vm');
const { crc32 } = require('node:zlib');

/** Where the build puts it. */
const BUNDLE = path.join(__dirname, '..', 'dist', 'bundle');
/** Ends the name of what was compiled of a file. */
const COMPILED = '.compiled';

/**
 * Runs the command line with this process's arguments, from where the build puts it unless told otherwise; `loaded` hears
 * of each file, its script and its source.
 */
function runBundle(loaded = () => undefined, directory = BUNDLE) {
  const modules = new Map();
  const load = (name) => {
    const known = modules.get(name);
    if (known !== undefined) return known;
    const source = readFileSync(path.join(directory, name));
    const script = compile(name, source, readIfThere(path.join(directory, name + COMPILED)));
    const exports = {};
    modules.set(name, exports);
    loaded(name, script, source);
    script.runInThisContext()(exports, (id) => (id.startsWith('./') ? load(id.slice(2)) : requireOther(id)));
    return exports;
  };
  load('main.cjs');
}

/** What is to be kept of a script that was compiled of a source. */
function sealed(script, source) {
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
  // The build leaves nothing but ASCII in them, which V8 keeps in half the memory, and takes over as it lies there.
  return new Script(source.latin1Slice(), { filename: SHOWN_DIRECTORY + name, ...(cachedData && { cachedData }) });
}

/** What was compiled of this very source, and is as it was written; else nothing. */
function unsealed(kept, source) {
  if (kept === undefined || kept.length < SEAL_BYTES) return undefined;
  const compiled = kept.subarray(SEAL_BYTES);
  const isWhole = kept.readUInt32LE(0) === crc32(source) && kept.readUInt32LE(4) === crc32(compiled);
  return isWhole ? compiled : undefined;
}

/** Modules of Node that many files name and a start does not use: 4 ms of it for the first alone. */
const LATE = new Set(['node:crypto', 'node:perf_hooks', 'node:worker_threads']);

/** What a start loads of others' packages, by its file: what a package exports takes Node 3 ms to look up the first time. */
const FILES = new Map([['@photostructure/sqlite', path.join('@photostructure', 'sqlite', 'dist', 'index.cjs')]]);

function requireOther(id) {
  if (LATE.has(id)) return whenUsed(id);
  const file = FILES.get(id);
  const found = file && module.paths.map((directory) => path.join(directory, file)).find((place) => existsSync(place));
  return found === undefined ? requireDependency(id) : require(found);
}

/** A module that is loaded when it is first asked for something. */
function whenUsed(id) {
  let exports;
  return new Proxy({}, { get: (_, name) => (exports ??= require(id))[name] });
}

/** What the server alone depends on lies beside the server, where packages are not laid out flat. */
function requireDependency(id) {
  try {
    return require(id);
  } catch (error) {
    if (error?.code !== 'MODULE_NOT_FOUND') throw error;
    return createRequire(require.resolve('@batchwright/server'))(id);
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error?.code === 'ENOENT') return undefined;
    throw error;
  }
}

module.exports = { BUNDLE, COMPILED, runBundle, sealed };
