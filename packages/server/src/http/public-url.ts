import type { BatchId } from '@batchwright/protocol';
import type { IncomingMessage } from 'node:http';
import type { HttpSettings } from './services.ts';

/** How clients reach the server, as far as its operator said. */
export type PublicPlace = Pick<HttpSettings, 'publicUrl' | 'trustsProxy'>;

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * The absolute URL of a batch's results. Official clients follow it verbatim with their key attached, so what names its
 * host decides who gets keys: the configured URL, else the host the request itself was sent to, else the socket's own
 * address. What a proxy says counts only where the operator stands for the proxy: anybody can send its headers.
 */
export function resultsUrl(request: IncomingMessage, place: PublicPlace, id: BatchId): string {
  return `${publicBase(request, place)}/v1/messages/batches/${encodeURIComponent(id)}/results`;
}

/** Whether a text is a host with an optional port, as a `host` header must be: no credentials, path, space or other text. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

function publicBase(request: IncomingMessage, { publicUrl, trustsProxy }: PublicPlace): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
  const own = request.headers.host ?? '';
  if (!trustsProxy) return `http://${isHost(own) ? own : socketAddress(request)}`;
  const scheme = first(request, 'x-forwarded-proto').toLowerCase() === 'https' ? 'https' : 'http';
  const host = [first(request, 'x-forwarded-host'), own].find(isHost);
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
