import {
  makeId,
  microsecondsFromMs,
  type OrganizationId,
  type RandomBytes,
  type WorkspaceId,
} from '@batchwright/protocol';
import type { Workspace } from './catalog.ts';

/** Where a catalog takes chance and time from; it needs them once, when it is founded. */
export interface CatalogSources {
  readonly randomBytes: RandomBytes;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** What a catalog begins with. */
export interface Founding {
  readonly organizationId: OrganizationId;
  readonly workspace: Workspace;
}

/** Makes the organisation and its default workspace. */
export function found({ randomBytes, now }: CatalogSources): Founding {
  return {
    organizationId: uuid(randomBytes(16)) as OrganizationId,
    workspace: {
      id: makeId('workspace', randomBytes) as WorkspaceId,
      name: 'default',
      createdAtUs: microsecondsFromMs(now()),
      isDefault: true,
    },
  };
}

/** RFC 4122 version 4 of 16 random bytes. */
function uuid(random: Uint8Array): string {
  const bytes = Array.from({ length: 16 }, (_, i) => random[i] ?? 0);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
