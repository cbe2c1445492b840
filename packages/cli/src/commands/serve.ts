import { loadConfig, optionsHelp, startServer } from '@batchwright/server';
import type { Config, RunningServer } from '@batchwright/server';
import { EXIT_FAILED, EXIT_MISUSED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { startMessage } from '../output/start-message.ts';
import { untilStopSignal } from '../stop-signal.ts';

/** On top of the grace requests in flight are given: flushing, closing, and a slow disk. */
const CLOSING_SECONDS = 10;

/** Runs the server until a stop signal. */
export async function serve(args: readonly string[], host: Host): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    host.out(serveHelp(host.columns));
    return EXIT_OK;
  }
  const loaded = loadConfig({ args, env: host.env, cwd: host.cwd, readFile: host.readFile });
  if (loaded.type === 'invalid') {
    for (const line of loaded.lines) complain(host, line);
    return EXIT_MISUSED;
  }
  // Listened for before anything is opened: a start that is told to stop ends in order, and keeps a key it has made.
  const stopped = untilStopSignal(host).then(() => host.err('Stopping; once more to leave at once.\n'));
  const server = await started(loaded.config, host);
  if (server === null) return EXIT_FAILED;
  host.out(startMessage(loaded.config, server));
  await stopped;
  return stop(server, loaded.config, host);
}

/** What `batchwright serve --help` prints. */
export function serveHelp(columns: number): string {
  return `Usage: batchwright serve [options]\n\nRuns the server.\n\nOptions:\n${optionsHelp(columns)}\n`;
}

async function started(config: Config, host: Host): Promise<RunningServer | null> {
  try {
    return await startServer(config);
  } catch (error) {
    const line = startFailure(error, config);
    if (line === null) throw error;
    complain(host, line);
    return null;
  }
}

/** Failures whose remedy is known. */
function startFailure(error: unknown, config: Config): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE') {
    return `port ${config.port} on ${config.host} is taken. Stop what listens there, or choose another with --port.`;
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${config.host} is no address of this machine. Choose another with --host.`;
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const what = (error as Error).message;
    return `not permitted: ${what}. Check who owns ${config.dataDir}, or choose another port or --data-dir.`;
  }
  return null;
}

/** Closes with grace, and within bounded time. */
async function stop(server: RunningServer, config: Config, host: Host): Promise<number> {
  const boundMs = (config.shutdownGraceSeconds + CLOSING_SECONDS) * 1000;
  const bound = setTimeout(() => {
    complain(host, `still not closed after ${boundMs / 1000} s; leaving. Nothing durable is lost.`);
    host.exit(EXIT_FAILED);
  }, boundMs);
  await server.close();
  clearTimeout(bound);
  return EXIT_OK;
}
