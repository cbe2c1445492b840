import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a scripted upstream answers to one request; a string body is sent as it is. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface ScriptedUpstream {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * An upstream that says exactly what a test wants to see passed on, for answers the simulator does not give. It speaks
 * only `POST /v1/messages`; the script gets the last message's text.
 */
export async function startScriptedUpstream(script: (prompt: string) => ScriptedAnswer): Promise<ScriptedUpstream> {
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { status = 200, headers = {}, body: answer } = script(promptOf(body));
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_upstream', ...headers });
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

/** A Message as an upstream would send it, with anything replaced. */
export function message(text: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'msg_01ScriptedUpstreamAnswer00',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5-20251001',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens: 5,
      service_tier: 'standard',
      inference_geo: 'not_available',
    },
    ...changes,
  };
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function promptOf(body: string): string {
  const { messages } = JSON.parse(body) as { messages: { content: string }[] };
  return messages.at(-1)?.content ?? '';
}
