import { isJsonObject, listOf, type JsonObject, type ParamsError } from '@batchwright/core';

/**
 * Sources a real service would fetch when it runs the request. The simulator never opens a connection: an address that
 * nobody outside could reach fails as it would there, any other counts as fetched. It keeps no files, so every file id
 * is unknown.
 */
export function checkRemoteSources(params: JsonObject): ParamsError | null {
  for (const message of listOf(params['messages'])) {
    const error = isJsonObject(message) ? checkBlocks(message['content']) : null;
    if (error !== null) return error;
  }
  return null;
}

function checkBlocks(content: unknown): ParamsError | null {
  for (const block of listOf(content)) {
    if (!isJsonObject(block)) continue;
    const nested = block['type'] === 'tool_result' ? checkBlocks(block['content']) : null;
    const error = nested ?? checkSource(block['source']);
    if (error !== null) return error;
  }
  return null;
}

function checkSource(source: unknown): ParamsError | null {
  if (!isJsonObject(source)) return null;
  if (source['type'] === 'file') {
    return { type: 'not_found_error', message: `File \`${String(source['file_id'])}\` not found.` };
  }
  if (source['type'] === 'content') return checkBlocks(source['content']);
  return source['type'] !== 'url' || isReachable(String(source['url'])) ? null : DOWNLOAD_FAILED;
}

/** The one mistake found only while a request runs; in a batch its error carries an execution id. */
export const DOWNLOAD_FAILED: ParamsError = {
  type: 'invalid_request_error',
  message: 'Unable to download the file. Please verify the URL and try again.',
};

const UNREACHABLE_NAMES = /(^|\.)(invalid|test|local|localhost|internal|onion|home\.arpa)$/;
const UNREACHABLE_V4 = /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01]))\./;

/** Whether a service out on the internet could open the address. */
export function isReachable(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  if (protocol !== 'https:' && protocol !== 'http:') return false;
  const host = hostname.toLowerCase().replace(/\.$/, '');
  // Bracketed IPv6: only global addresses, which begin with 2 or 3.
  if (host.startsWith('[')) return /^\[[23]/.test(host);
  return host.includes('.') && !UNREACHABLE_NAMES.test(host) && !UNREACHABLE_V4.test(host);
}
