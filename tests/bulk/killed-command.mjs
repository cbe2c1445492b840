// The built command line, with a host that kills its own process the nth time a run passes a point. The shipped command
// has no such thing: its host does not ask to be told.
import process from 'node:process';
import { processHost } from '../../packages/cli/dist/host.js';
import { runProgram } from '../../packages/cli/dist/program.js';

const [point, nth, ...args] = process.argv.slice(2);
let left = Number(nth);
const reached = (name) => {
  if (name === point && --left === 0) process.kill(process.pid, 'SIGKILL');
};
process.exit(await runProgram(args, { ...processHost(), reached }));
