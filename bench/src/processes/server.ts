import { open } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadConfig, startServer, type Config } from '@batchwright/server';
import { answerCommands, startOptions } from './commands.ts';
import { API_KEY } from './wire.ts';

/** The server under test, in a process of its own, as `batchwright serve` composes it. */
export interface ServerOptions {
  readonly dataDirectory: string;
  readonly upstreamUrl: string;
  readonly concurrency: number;
  /** Syncs of files answer at once and do nothing: the same code without durability. */
  readonly withoutSync?: boolean;
}

// A type and not an interface, which would lack the index signature that commands need.
export type Server = {
  /** Resolves once the server listens. */
  readonly port: () => Promise<number>;
  /** Forgets the event loop's delays so far. */
  readonly watchEventLoop: () => void;
  /** The longest the event loop was late since, in milliseconds. */
  readonly longestStallMs: () => Promise<number>;
};

const options = startOptions() as ServerOptions;
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
const started = start();

answerCommands(
  {
    port: async () => Number(new URL((await started).url).port),
    watchEventLoop: () => loop.reset(),
    longestStallMs: async () => {
      // A stall is only seen when the loop turns after it.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return loop.max / 1e6;
    },
  } satisfies Server,
  async () => (await started).close(),
);

async function start(): ReturnType<typeof startServer> {
  if (options.withoutSync === true) await stopSyncing();
  return startServer(config());
}

function config(): Config {
  const { dataDirectory, upstreamUrl, concurrency } = options;
  const args = [
    '--port',
    '0',
    '--data-dir',
    dataDirectory,
    '--upstream',
    upstreamUrl,
    '--concurrency',
    `${concurrency}`,
  ];
  const loaded = loadConfig({
    args: [...args, '--api-key', API_KEY, '--log-level', 'warn', '--shutdown-grace-seconds', '0'],
    env: {},
    cwd: dataDirectory,
    readFile: () => null,
  });
  if (loaded.type === 'invalid') throw new Error(loaded.lines.join('\n'));
  return loaded.config;
}

/** Files sync through their handles, whose class Node does not export: it is taken from a handle. */
async function stopSyncing(): Promise<void> {
  const handle = await open(options.dataDirectory);
  const prototype = Object.getPrototypeOf(handle) as { datasync: unknown; sync: unknown };
  await handle.close();
  prototype.datasync = prototype.sync = (): Promise<void> => Promise.resolve();
}
