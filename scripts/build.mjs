import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { BUILT, ROOT } from './setup.mjs';

/** Builds everything: the packages by the compiler's own incremental build, then the scanner's WebAssembly. */
const steps = [
  [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.json', 'examples'],
  [join(ROOT, 'scripts', 'build-scanner.mjs')],
].filter(([script]) => existsSync(script));

const startedAt = new Date();
for (const step of steps) {
  const { status } = spawnSync(process.execPath, step, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
// The stamp holds nothing; its age says which sources the build has seen.
writeFileSync(BUILT, `${startedAt.toISOString()}\n`);
