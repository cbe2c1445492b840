import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

/**
 * `npm start`: sets up what is missing, then becomes `batchwright` with the arguments after `--`: the server when there are
 * none, or options alone. It runs in this very process, so that signals from a terminal need no forwarding and the exit
 * code is the command's own.
 */
setUp();
stopWithNpm();
const binary = new URL('../packages/cli/bin/batchwright.js', import.meta.url);
const args = process.argv.slice(2);
const isCommand = args[0] !== undefined && !args[0].startsWith('-');
process.argv = [process.execPath, fileURLToPath(binary), ...(isCommand ? args : ['serve', ...args])];
await import(binary.href);

/**
 * npm sends a SIGTERM it gets to the shell between us, and many shells die of it without a word to us: the server would
 * go on unseen, holding port and data. So when that shell is gone, we take it as the signal it was.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  watch.unref();
}
