import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { BUILT, ROOT } from './setup.mjs';

/**
 * Builds everything: the scanner's WebAssembly, then the packages by the compiler's own incremental build, then the
 * command line in few files, whose start is quick.
 */
const steps = [
  [join(ROOT, 'scripts', 'build-scanner.mjs')],
  [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.json', 'examples'],
  [join(ROOT, 'scripts', 'bundle.mjs')],
].filter(([script]) => existsSync(script));

const startedAt = new Date();
for (const step of steps) {
  const { status } = spawnSync(process.execPath, step, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
// The stamp holds nothing; its age says which sources the build has seen.
writeFileSync(BUILT, `${startedAt.toISOString()}\n`);
