import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

/**
 * `npm start`: sets up what is missing, then becomes `batchwright serve` with the arguments after `--`. It runs in this
 * very process, so that signals from a terminal need no forwarding and the exit code is the server's own.
 */
setUp();
stopWithNpm();
const command = new URL('../packages/cli/bin/batchwright.js', import.meta.url);
process.argv = [process.execPath, fileURLToPath(command), 'serve', ...process.argv.slice(2)];
await import(command.href);

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
