import assert from 'node:assert/strict';
import type { WorkspaceCatalog } from '../catalog.ts';
import type { MemoryTables } from './memory-tables.ts';

export function memoryWorkspaces({ workspaces, keys, usage }: MemoryTables): WorkspaceCatalog {
  const byAge = <Item extends { readonly createdAtUs: number }>(items: readonly Item[]) =>
    items.toSorted((a, b) => a.createdAtUs - b.createdAtUs);
  return {
    async default() {
      const workspace = workspaces.find(({ isDefault }) => isDefault);
      assert(workspace !== undefined, 'a catalog has a default workspace from its founding');
      return workspace;
    },
    find: async (id) => workspaces.find((workspace) => workspace.id === id) ?? null,
    list: async () => byAge(workspaces),
    async create(workspace) {
      if (workspaces.some(({ name }) => name === workspace.name)) return 'name_taken';
      assert(!workspaces.some(({ id }) => id === workspace.id), `workspace ${workspace.id} exists`);
      workspaces.push({ ...workspace, isDefault: false });
      return 'created';
    },
    async addKey({ sha256, ...key }) {
      if (keys.some((other) => other.sha256 === sha256)) return 'exists';
      assert(
        workspaces.some(({ id }) => id === key.workspaceId),
        `no workspace ${key.workspaceId}`,
      );
      assert(!keys.some((other) => other.key.id === key.id), `key ${key.id} exists`);
      keys.push({ sha256, key: { ...key, revokedAtUs: null } });
      return 'created';
    },
    async findKey(sha256, nowUs) {
      const key = keys.find((other) => other.sha256 === sha256)?.key;
      if (key === undefined || key.revokedAtUs !== null) return null;
      return key.expiresAtUs !== null && key.expiresAtUs <= nowUs ? null : key;
    },
    listKeys: async () => byAge(keys.map(({ key }) => key)),
    async revokeKey(id, nowUs) {
      const entry = keys.find(({ key }) => key.id === id);
      if (entry === undefined) return 'missing';
      if (entry.key.revokedAtUs === null) entry.key = { ...entry.key, revokedAtUs: nowUs };
      return 'revoked';
    },
    usage: async (id, fromDay, toDay) =>
      usage
        .filter(({ workspaceId, day }) => workspaceId === id && day >= fromDay && day <= toDay)
        .toSorted((a, b) => (a.day < b.day ? -1 : 1))
        .map(({ day, totals }) => ({ day, totals })),
  };
}
