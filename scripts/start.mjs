import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { setUp } from './setup.mjs';

/**
 * `npm start`: sets up what is missing, then becomes `batchwright serve` with the arguments after `--`. It runs in this
 * very process, so that signals need no forwarding and the exit code is the server's own.
 */
setUp();
const command = new URL('../packages/cli/bin/batchwright.js', import.meta.url);
process.argv = [process.execPath, fileURLToPath(command), 'serve', ...process.argv.slice(2)];
await import(command.href);
