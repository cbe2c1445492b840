import type { Brand } from './brand.ts';

/**
 * Identifiers as they appear on the wire: a prefix, `01`, then 22 letters or digits. Clients are told to treat them
 * as opaque, so nothing here ever looks behind the prefix.
 */
export type BatchId = Brand<string, 'BatchId'>;
export type WorkspaceId = Brand<string, 'WorkspaceId'>;
export type KeyId = Brand<string, 'KeyId'>;
export type CustomId = Brand<string, 'CustomId'>;
export type OrganizationId = Brand<string, 'OrganizationId'>;

export const ID_PREFIXES = {
  batch: 'msgbatch_',
  workspace: 'wrkspc_',
  key: 'apikey_',
  message: 'msg_',
  request: 'req_',
  executionRequest: 'workerreq_',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const RANDOM_CHARACTERS = 22;

/** Fills a fresh array of `length` random bytes; chance is an argument so that simulations replay. */
export type RandomBytes = (length: number) => Uint8Array;

/** Makes an identifier: prefix, `01`, 22 characters (128 bits and a little more). */
export function makeId(kind: IdKind, randomBytes: RandomBytes): string {
  const bytes = randomBytes(RANDOM_CHARACTERS);
  let id = `${ID_PREFIXES[kind]}01`;
  for (let i = 0; i < RANDOM_CHARACTERS; i++) id += ALPHABET[(bytes[i] ?? 0) % ALPHABET.length];
  return id;
}
