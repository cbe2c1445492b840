import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/**
 * HTTP without a client's magic: no redirects followed, no header added but `host`, no body touched. What a test sends
 * is what the server gets, and what it sees is what the server sent.
 */
export interface RawRequest {
  readonly method?: string;
  /** Path and query, or a whole URL of another origin. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** Sends one request and reads the whole answer. Rejects when the connection fails before the answer is complete. */
export function raw(baseUrl: string, { method = 'GET', path, headers = {}, body }: RawRequest): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const call = request(resolveUrl(baseUrl, path), { method, headers: { ...length, ...mutable(headers) } });
    call.once('error', reject);
    call.once('response', (response) => readWhole(response).then(resolve, reject));
    call.end(body);
  });
}

/** Joins as the SDKs do, so that a base URL keeps its path prefix; `new URL` would also rewrite odd paths. */
function resolveUrl(baseUrl: string, path: string): string {
  return path.startsWith('http') ? path : baseUrl.replace(/\/$/, '') + path;
}

function mutable(headers: Readonly<Record<string, string | readonly string[]>>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}

/** Reads an answer to its end; a connection cut in the middle rejects. */
export async function readWhole(response: IncomingMessage): Promise<RawResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  if (!response.complete) throw new Error('the connection was cut before the answer was complete');
  const bytes = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString('utf8') };
}
