/**
 * Compiles the scanner (AssemblyScript) to WebAssembly, kept in base64 in a module of its own: sources and build load it
 * alike, and so does a bundler. Does nothing when the module is newer than what it is made of.
 */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const sourceFolder = fileURLToPath(new URL('../packages/scan/assembly/', import.meta.url));
const target = fileURLToPath(new URL('../packages/scan/src/scanner-binary.generated.ts', import.meta.url));

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
  const folder = mkdtempSync(join(tmpdir(), 'batchwright-scanner-'));
  try {
    const binary = await compile(join(folder, 'scanner.wasm'));
    // Swapped in whole: tests of another process may be loading the file.
    const unfinished = `${target}.${process.pid}`;
    writeFileSync(
      unfinished,
      `/** The scanner, compiled from \`assembly/\` by \`scripts/build-scanner.mjs\`. */\nexport const SCANNER_BINARY =\n  '${binary.toString('base64')}';\n`,
    );
    renameSync(unfinished, target);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compile(outFile) {
  const asc = await import('assemblyscript/asc');
  const { error, stderr } = await asc.main([
    `${sourceFolder}index.ts`,
    '--outFile',
    outFile,
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
  return readFileSync(outFile);
}

if (!isUpToDate()) await build();
