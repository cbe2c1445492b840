import { randomBytes } from 'node:crypto';
import { defaultConfig, makeApiKey, startServer, type Config } from '@batchwright/server';

/** A Batchwright in this process, on this machine's loopback alone. */
export interface EmbeddedServer {
  readonly url: string;
  readonly apiKey: string;
  close(): Promise<void>;
}

/** Simulated answers come at once; what bounds them is how many are made and written at a time. */
const CONCURRENCY = 512;

/** Starts it on any free port, with a key nobody else knows. What it was doing when it stopped last goes on. */
export async function startEmbeddedServer(dataDir: string, prices: Config['prices']): Promise<EmbeddedServer> {
  const apiKey = makeApiKey(randomBytes);
  const server = await startServer({
    ...defaultConfig,
    dataDir,
    port: 0,
    apiKey,
    prices,
    simulatorProfile: 'instant',
    concurrency: CONCURRENCY,
    logLevel: 'silent',
    // Nothing simulated is worth waiting for: it is made again at the next start.
    shutdownGraceSeconds: 0,
  });
  return { url: server.url, apiKey, close: () => server.close() };
}
