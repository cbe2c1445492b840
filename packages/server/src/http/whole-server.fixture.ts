import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { defaultConfig } from '../config/options.ts';
import { startServer, type RunningServer } from '../main.ts';

const KEY = 'sk-bw-whole-server-test-000000000000';

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A whole server on a data directory of its own, with the simulated upstream and time that moves when told to. */
export interface WholeServer {
  ask(asked: Asked): Promise<Answered>;
  /** The head of an answer whose body the test reads by itself. */
  open(asked: Asked): Promise<IncomingMessage>;
  /** Creates a batch and answers its id. The body may be given as it is to be sent. */
  create(requests: readonly object[] | string, headers?: Readonly<Record<string, string>>): Promise<string>;
  advance(ms: number): Promise<void>;
  faults(...rules: readonly object[]): Promise<void>;
  /** Stops it, and starts another on the same directory. */
  restart(): Promise<void>;
}

export async function startWholeServer(): Promise<WholeServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'batchwright-whole-'));
  const config = { ...defaultConfig, dataDir, port: 0, apiKey: KEY, clock: 'virtual', logLevel: 'silent' } as const;
  let server: RunningServer = await startServer(config);
  onTestFinished(async () => {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const open = ({ method = 'GET', path, headers = {}, body }: Asked): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const common = { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' };
      const call = httpRequest(server.url + path, { method, agent: false, headers: { ...common, ...headers } });
      call.once('error', reject).once('response', resolve);
      call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  const ask = async (asked: Asked): Promise<Answered> => {
    const response = await open(asked);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    return { status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) };
  };
  const must = async (asked: Asked): Promise<Answered> => {
    const answer = await ask(asked);
    if (answer.status >= 300) throw new Error(`${asked.path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  return {
    ask,
    open,
    async create(requests, headers = {}) {
      const body = typeof requests === 'string' ? requests : { requests };
      const made = await must({ method: 'POST', path: '/v1/messages/batches', headers, body });
      return String(made.body['id']);
    },
    async advance(ms) {
      await must({ method: 'POST', path: '/sim/clock', body: { advance_ms: ms } });
    },
    async faults(...rules) {
      await must({ method: 'DELETE', path: '/sim/faults' });
      if (rules.length > 0) await must({ method: 'POST', path: '/sim/faults', body: rules });
    },
    async restart() {
      await server.close();
      server = await startServer(config);
    },
  };
}

/** A request that the simulated upstream takes this long to answer. */
export function requestTaking(customId: string, durationMs: number): object {
  const directive = JSON.stringify({ ttft_ms: 1, dur_ms: durationMs });
  const messages = [{ role: 'user', content: `@@sim${directive}@@ ${customId}` }];
  return { custom_id: customId, params: { model: 'claude-haiku-4-5', max_tokens: 16, messages } };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
