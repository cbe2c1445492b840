import type { ApiVersion } from '@batchwright/protocol';
import { raw, type RawResponse } from './raw-http.ts';

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Somebody with a key: sends raw requests with the headers that every call needs. */
export interface Caller {
  readonly url: string;
  readonly key: string;
  readonly workspaceId: string;
  get(path: string, headers?: Headers): Promise<RawResponse>;
  /** A value is sent as JSON, a string as it is; without either the body is empty and has no content type. */
  post(path: string, body?: unknown, headers?: Headers): Promise<RawResponse>;
  delete(path: string, headers?: Headers): Promise<RawResponse>;
  /** The same caller, naming another API version. */
  withVersion(version: ApiVersion): Caller;
}

export const OLD_VERSION: ApiVersion = '2023-06-01';
export const NEW_VERSION: ApiVersion = '2026-10-21';

/** Makes a caller of a server, of which only the base URL matters. */
export function caller(url: string, key: string, workspaceId: string, version: ApiVersion = OLD_VERSION): Caller {
  const common = { 'x-api-key': key, 'anthropic-version': version, accept: 'application/json' };
  const send = (method: string, path: string, headers: Headers = {}, body?: string): Promise<RawResponse> =>
    raw(url, { method, path, headers: { ...common, ...headers }, ...(body === undefined ? {} : { body }) });
  return {
    url,
    key,
    workspaceId,
    get: (path, headers) => send('GET', path, headers),
    post: (path, body, headers) =>
      body === undefined
        ? send('POST', path, { 'content-length': '0', ...headers })
        : send('POST', path, { 'content-type': 'application/json', ...headers }, asText(body)),
    delete: (path, headers) => send('DELETE', path, headers),
    withVersion: (other) => caller(url, key, workspaceId, other),
  };
}

function asText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
