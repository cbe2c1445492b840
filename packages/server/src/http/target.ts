import type { IncomingMessage } from 'node:http';

/** The path and query of a request line, both as sent. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/**
 * Splits a request target. Proxies may send the absolute form, and a public URL with a path prefix may reach us with the
 * prefix kept or stripped; both are understood. Never throws, whatever the bytes.
 */
export function readTarget(request: IncomingMessage, publicUrl: string | null): Target {
  const raw = (request.url ?? '').replace(/^https?:\/\/[^/?#]*/i, '');
  const target = raw.split('#', 1)[0] as string;
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  return { path: withoutPrefix(path === '' ? '/' : path, publicUrl), query };
}

function withoutPrefix(path: string, publicUrl: string | null): string {
  if (publicUrl === null) return path;
  const prefix = new URL(publicUrl).pathname.replace(/\/+$/, '');
  return prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}
