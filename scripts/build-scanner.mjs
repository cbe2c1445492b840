/**
 * Compiles the scanner (AssemblyScript) to `packages/server/wasm/scanner.wasm`. That place is the same two steps above
 * `src/scan` and `dist/scan`, so sources and build load one file. Does nothing when the file is newer than its sources.
 */
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sourceFolder = fileURLToPath(new URL('../packages/server/assembly/', import.meta.url));
const targetFolder = fileURLToPath(new URL('../packages/server/wasm/', import.meta.url));
const target = `${targetFolder}scanner.wasm`;

function newestSourceMs() {
  const sources = readdirSync(sourceFolder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => sourceFolder + name);
  return Math.max(...[...sources, fileURLToPath(import.meta.url)].map((path) => statSync(path).mtimeMs));
}

function isUpToDate() {
  const built = statSync(target, { throwIfNoEntry: false });
  return built !== undefined && built.mtimeMs > newestSourceMs();
}

async function build() {
  const asc = await import('assemblyscript/asc');
  mkdirSync(targetFolder, { recursive: true });
  // Swapped in whole: tests of another process may be loading the file.
  const unfinished = `${targetFolder}scanner.${process.pid}.wasm`;
  const { error, stderr } = await asc.main([
    `${sourceFolder}index.ts`,
    '--outFile',
    unfinished,
    '-O3',
    '--converge',
    '--noAssert',
    '--enable',
    'simd',
    '--runtime',
    'stub',
    '--importMemory',
    '--noExportMemory',
    '--initialMemory',
    '1',
  ]);
  if (error !== null) throw new Error(`The scanner does not compile.\n${stderr.toString()}`, { cause: error });
  renameSync(unfinished, target);
}

if (!isUpToDate()) await build();
