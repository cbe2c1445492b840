import type { BatchId } from '@batchwright/protocol';
import type { IncomingMessage } from 'node:http';

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * The absolute URL of a batch's results. Official clients follow it verbatim with their key attached, so it must name the
 * host they reached us under: the configured one, else what the proxy or the client says, if that is a host at all, else
 * the socket's own address.
 */
export function resultsUrl(request: IncomingMessage, publicUrl: string | null, id: BatchId): string {
  return `${publicBase(request, publicUrl)}/v1/messages/batches/${encodeURIComponent(id)}/results`;
}

function publicBase(request: IncomingMessage, publicUrl: string | null): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
  const scheme = first(request, 'x-forwarded-proto').toLowerCase() === 'https' ? 'https' : 'http';
  const host = [first(request, 'x-forwarded-host'), request.headers.host ?? ''].find((name) => HOST.test(name));
  return `${scheme}://${host ?? socketAddress(request)}${forwardedPrefix(request)}`;
}

function forwardedPrefix(request: IncomingMessage): string {
  const prefix = first(request, 'x-forwarded-prefix').replace(/\/+$/, '');
  const isPlain = PREFIX.test(prefix) && !prefix.split('/').some((part) => part === '.' || part === '..');
  return isPlain ? prefix : '';
}

/** Each proxy appends its own value; the first is what the client saw. */
function first(request: IncomingMessage, header: string): string {
  const value = request.headers[header];
  return (
    String(value ?? '')
      .split(',', 1)[0]
      ?.trim() ?? ''
  );
}

function socketAddress(request: IncomingMessage): string {
  const { localAddress = '127.0.0.1', localPort = 0 } = request.socket;
  return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
}
