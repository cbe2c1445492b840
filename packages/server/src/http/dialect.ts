import { isApiVersion, KNOWN_BETAS, type ApiVersion, type Problem } from '@batchwright/protocol';
import type { IncomingHttpHeaders } from 'node:http';

/** Which form of the API a request speaks. */
export type Dialect =
  | { readonly type: 'known'; readonly apiVersion: ApiVersion; readonly betas: readonly string[] }
  | { readonly type: 'refused'; readonly problem: Problem };

/** Reads `anthropic-version` and `anthropic-beta`. */
export function readDialect(headers: IncomingHttpHeaders, extraBetas: readonly string[]): Dialect {
  const version = String(headers['anthropic-version'] ?? '').trim();
  if (version === '') return { type: 'refused', problem: { type: 'version_missing' } };
  if (!isApiVersion(version)) return { type: 'refused', problem: { type: 'version_unknown', version } };

  const betas = readBetas(headers);
  const unknown = betas.filter((beta) => !KNOWN_BETAS.has(beta) && !extraBetas.includes(beta));
  if (unknown.length > 0) {
    return { type: 'refused', problem: { type: 'beta_unknown', token: unknown.join('`, `') } };
  }
  return { type: 'known', apiVersion: version, betas };
}

/** The header may repeat, and Node joins repetitions with a comma; each token is kept once, in order. */
function readBetas(headers: IncomingHttpHeaders): readonly string[] {
  const tokens = String(headers['anthropic-beta'] ?? '')
    .split(',')
    .map((token) => token.trim());
  return [...new Set(tokens.filter((token) => token !== ''))];
}
