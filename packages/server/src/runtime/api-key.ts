import { createHash } from 'node:crypto';
import type { RandomBytes } from '@batchwright/protocol';

/** What every key made here begins with, so that people and secret scanners know one when they see it. */
export const API_KEY_PREFIX = 'sk-bw-';
const SECRET_BYTES = 32;

/** A new key: the prefix and 43 base64url characters of 32 random bytes. */
export function makeApiKey(randomBytes: RandomBytes): string {
  return `${API_KEY_PREFIX}${Buffer.from(randomBytes(SECRET_BYTES)).toString('base64url')}`;
}

/** Lower-case hex SHA-256 of a key: the only form in which a key is stored or compared. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** First eight characters and last four, for people to recognise a key by. Short keys show less, never all. */
export function keyHint(key: string): string {
  if (key.length >= 24) return `${key.slice(0, 8)}…${key.slice(-4)}`;
  return `${key.slice(0, Math.floor(key.length / 4))}…`;
}
