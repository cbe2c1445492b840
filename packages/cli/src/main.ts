import process from 'node:process';
import { EXIT_FAILED, EXIT_OK, complain, processHost } from './host.ts';
import type { Host } from './host.ts';

/**
 * The command line. Every command is loaded when it is asked for and not before; `serve`, whose start-up is counted in
 * milliseconds, reads its own options and so does not load the argument parser of the others either.
 */
async function main(argv: readonly string[], host: Host): Promise<number> {
  const [command, ...rest] = argv;
  if (command === 'serve') {
    const { serve } = await import('./commands/serve.ts');
    return serve(rest, host);
  }
  const { runProgram } = await import('./program.ts');
  return runProgram(argv, host);
}

/** Faults nobody foresaw: one line for people, the trace for those who ask for it. */
function explain(error: unknown, host: Host): void {
  const message = error instanceof Error ? error.message : String(error);
  complain(host, message.split('\n')[0] ?? message);
  if (host.env['DEBUG'] !== undefined && error instanceof Error) host.err(`${error.stack ?? ''}\n`);
}

const host = processHost();
// A reader that has seen enough (`batchwright keys list | head -1`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : EXIT_FAILED);
});
// No `await` at the top: in one file with all others this is a function, called once.
process.exitCode = EXIT_FAILED;
void run();

async function run(): Promise<void> {
  let exitCode = EXIT_FAILED;
  try {
    exitCode = await main(process.argv.slice(2), host);
  } catch (error) {
    explain(error, host);
  }
  process.exitCode = exitCode;
  // What a command that failed half-way had opened must not keep its process alive.
  if (exitCode !== EXIT_OK) host.exit(exitCode);
}
