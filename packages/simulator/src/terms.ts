import { isApiVersion, KNOWN_BETAS, type ApiVersion, type Problem } from '@batchwright/protocol';
import type { SimulatorCall } from './exchange.ts';
import type { Surface } from './wire/message.ts';

/** What a call's headers say about how its body is to be judged. */
export interface CallTerms {
  readonly version: ApiVersion;
  readonly betas: readonly string[];
  readonly surface: Surface;
}

/** Reads version and betas as the API does. Credentials are not looked at: the simulator serves anybody. */
export function readTerms(headers: SimulatorCall['headers']): CallTerms | Problem {
  const version = headerOf(headers, 'anthropic-version');
  if (version === '') return { type: 'version_missing' };
  if (!isApiVersion(version)) return { type: 'version_unknown', version };
  const beta = headerOf(headers, 'anthropic-beta');
  const betas =
    beta === ''
      ? NO_BETAS
      : beta
          .split(',')
          .map((token) => token.trim())
          .filter((token) => token !== '');
  const unknown = betas.find((token) => !KNOWN_BETAS.has(token));
  if (unknown !== undefined) return { type: 'beta_unknown', token: unknown };
  return { version, betas, surface: headers['batchwright-surface'] === 'batch' ? 'batch' : 'sync' };
}

const NO_BETAS: readonly string[] = [];

/** A header as one string, however often it was sent. */
export function headerOf(headers: SimulatorCall['headers'], name: string): string {
  const value = headers[name];
  return value === undefined ? '' : typeof value === 'string' ? value : value.join(',');
}

export function isTerms(value: CallTerms | Problem): value is CallTerms {
  return !('type' in value);
}
