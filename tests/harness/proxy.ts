import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer } from './scripted-upstream.ts';

/** What the proxy does with one exchange: pass it on, answer it itself, or spoil the answer. */
export type ProxyStep =
  | { readonly type: 'pass' }
  | { readonly type: 'answer'; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  /** The server gets the request and acts on it; the client's connection is cut instead of answered. */
  | { readonly type: 'drop_response' }
  /** The client gets the head and this many bytes of the body, then its connection is cut. */
  | { readonly type: 'cut_body'; readonly afterBytes: number };

export interface ProxyOptions {
  readonly target: string;
  /** Mounts the server under a path, which is stripped on the way and announced in `x-forwarded-prefix`. */
  readonly prefix?: string;
  /** Asked for each exchange, in the order they arrive; `pass` without it. */
  readonly plan?: (seen: ProxiedRequest) => ProxyStep;
}

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  /** Exchanges seen before this one. */
  readonly before: number;
}

export interface TestProxy {
  readonly url: string;
  /** Every exchange so far, in order. */
  readonly seen: readonly ProxiedRequest[];
  close(): Promise<void>;
}

/** A reverse proxy such as stands before a server in production, which can also lose what passes through it. */
export async function startProxy({
  target,
  prefix = '',
  plan = () => ({ type: 'pass' }),
}: ProxyOptions): Promise<TestProxy> {
  const seen: ProxiedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const exchange = { method: incoming.method ?? '', path: incoming.url ?? '', before: seen.length };
    seen.push(exchange);
    const step = plan(exchange);
    if (step.type === 'answer') answer(incoming, outgoing, step.status, step.headers);
    else forward(incoming, outgoing, target, prefix, step);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${prefix}`, seen, close: () => closeServer(server) };
}

function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  incoming.resume();
  outgoing.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_proxy', ...headers });
  outgoing.end(`{"type":"error","error":{"type":"api_error","message":"proxy ${status}"},"request_id":"req_proxy"}`);
}

function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string,
  prefix: string,
  step: Exclude<ProxyStep, { type: 'answer' }>,
): void {
  const path = (incoming.url ?? '').slice(prefix.length);
  // The client's own host is passed on, as a well-kept proxy does; only the prefix takes a server that trusts it.
  const forwarded = {
    'x-forwarded-host': incoming.headers.host ?? '',
    'x-forwarded-proto': 'http',
    ...(prefix === '' ? {} : { 'x-forwarded-prefix': prefix }),
  };
  const { hostname, port } = new URL(target);
  const call = request({
    hostname,
    port,
    path,
    method: incoming.method,
    headers: { ...incoming.headers, ...forwarded },
  });
  call.once('response', (response) => relay(response, outgoing, step));
  call.once('error', () => outgoing.destroy());
  incoming.pipe(call);
}

function relay(
  response: IncomingMessage,
  outgoing: ServerResponse,
  step: Exclude<ProxyStep, { type: 'answer' }>,
): void {
  switch (step.type) {
    case 'pass':
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
      return;
    case 'drop_response':
      response.resume();
      response.once('end', () => outgoing.destroy());
      return;
    case 'cut_body':
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.once('data', (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, step.afterBytes), () => outgoing.destroy());
        response.destroy();
      });
      return;
    default:
      step satisfies never;
  }
}
