import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { ROOT, setUp } from '../scripts/setup.mjs';

/** `npm run bench:peers`: sets up what is missing, compiles the bench itself, and runs its comparison in this process. */
setUp();
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
const { status } = spawnSync(process.execPath, [compiler, '-b', 'bench'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
if (status !== 0) process.exit(status ?? 1);
await import('./dist/peers/main.js');
