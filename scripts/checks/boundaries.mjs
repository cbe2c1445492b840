import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/**
 * Import arrows. A package may import the packages below it by name, its own files by relative path, and nothing of
 * another package by path; `protocol` and `core` are pure and import nothing of Node; `scan` and `client` run in every
 * runtime and import nothing of Node either, but for the client's own `node` entry.
 */
const MAY_IMPORT = {
  protocol: [],
  core: ['protocol'],
  scan: ['protocol', 'core'],
  simulator: ['protocol', 'core'],
  server: ['protocol', 'core', 'scan', 'simulator'],
  client: ['protocol', 'core', 'scan'],
  cli: ['protocol', 'core', 'scan', 'client', 'simulator', 'server'],
};
const PURE = new Set(['protocol', 'core']);
/** Rooms that run wherever JavaScript does, but for what is below the folder named. */
const PORTABLE = { scan: null, client: 'node' };
/** What a package offers beside its index. */
const ENTRIES = new Set(['client/node']);
/** Tests may use the test libraries and Node, whatever the room. */
const TEST = /\.(test|suite|fixture)\.ts$/;
const TEST_LIBRARIES = new Set(['vitest', 'fast-check']);

/** Every import in the packages' sources that breaks an arrow, one line each. */
export function findForbiddenImports(root) {
  const faults = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name, 'src');
    for (const file of filesUnder(source).filter((path) => path.endsWith('.ts'))) {
      const path = relative(join(root, 'packages'), file).split(sep).join('/');
      faults.push(...forbiddenImports(path, readFileSync(file, 'utf8')));
    }
  }
  return faults.map((fault) => `${fault}\n`).join('');
}

/** The faults of one file; `path` is below `packages/`. */
export function forbiddenImports(path, source) {
  const [room] = path.split('/');
  if (MAY_IMPORT[room] === undefined)
    return [`packages/${room}: no arrows are declared for it in scripts/checks/boundaries.mjs`];
  return importSpecifiers(source)
    .map((specifier) => [specifier, reason(room, path, specifier)])
    .filter(([, why]) => why !== null)
    .map(([specifier, why]) => `packages/${path}: imports '${specifier}', but ${why}`);
}

function reason(room, path, specifier) {
  if (specifier.startsWith('.')) return relativeReason(path, specifier);
  if (specifier.startsWith('@batchwright/') || specifier === 'batchwright') return packageReason(room, specifier);
  const isTest = TEST.test(path);
  if (isTest && (TEST_LIBRARIES.has(specifier) || specifier.startsWith('node:'))) return null;
  if (!isTest && TEST_LIBRARIES.has(specifier)) return 'test libraries belong in tests';
  if (PURE.has(room)) return `${room} is pure`;
  return specifier.startsWith('node:') && isPortable(room, path) ? `${room} runs in every runtime` : null;
}

function isPortable(room, path) {
  const exception = PORTABLE[room];
  return exception !== undefined && (exception === null || !path.startsWith(`${room}/src/${exception}/`));
}

function relativeReason(path, specifier) {
  const depth = path.split('/').length - 2;
  const climbs = specifier.split('/').filter((part) => part === '..').length;
  if (climbs > depth) return 'another package is imported by its name';
  return specifier.endsWith('.ts') ? null : 'files are imported with their .ts ending';
}

function packageReason(room, specifier) {
  const [, target, deeper] = specifier.split('/');
  if (deeper !== undefined && !ENTRIES.has(`${target}/${deeper}`)) return "a package's index.ts is its whole promise";
  return target !== undefined && MAY_IMPORT[room].includes(target) ? null : `${room} may import ${allowed(room)}`;
}

function allowed(room) {
  return MAY_IMPORT[room].length === 0 ? 'no other package' : `only ${MAY_IMPORT[room].join(', ')}`;
}

const SPECIFIER = /(?:^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*|^\s*import\s*|\bimport\s*\(\s*)(['"])([^'"\n]+)\1/gm;

/** What a source imports: statically, dynamically, as types, and by re-export. */
export function importSpecifiers(source) {
  const bare = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  return [...bare.matchAll(SPECIFIER)].map((match) => match[2]);
}

function filesUnder(directory) {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}
