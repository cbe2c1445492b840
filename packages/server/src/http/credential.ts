import type { Problem } from '@batchwright/protocol';
import type { IncomingHttpHeaders } from 'node:http';

export type Credential =
  | { readonly type: 'key'; readonly key: string }
  | { readonly type: 'refused'; readonly problem: Problem };

/**
 * The API key a request carries. Official clients send it as `x-api-key` or, newer ones, as a Bearer token; both must work,
 * and both together only when they agree.
 */
export function readCredential(headers: IncomingHttpHeaders): Credential {
  const apiKey = String(headers['x-api-key'] ?? '').trim();
  const authorization = (headers.authorization ?? '').trim();
  const bearer = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? null;
  if (apiKey === '' && authorization === '') return { type: 'refused', problem: { type: 'no_credential' } };
  if (apiKey !== '' && authorization !== '' && apiKey !== bearer) {
    return { type: 'refused', problem: { type: 'conflicting_credentials' } };
  }
  const key = apiKey !== '' ? apiKey : bearer;
  return key === null ? { type: 'refused', problem: { type: 'bad_credential' } } : { type: 'key', key };
}
