import type { WorkspaceCatalog } from '../catalog.ts';
import { keyOf, workspaceOf } from './rows.ts';
import { listUsage } from './sqlite-ledgers.ts';
import type { Statements } from './statements.ts';

/** Each call is one statement, and so a transaction by itself. */
export function sqliteWorkspaces(statements: Statements): WorkspaceCatalog {
  return {
    default: async () => workspaceOf(statements.findDefaultWorkspace.get()),
    async find(id) {
      const row = statements.findWorkspace.get(id);
      return row === undefined ? null : workspaceOf(row);
    },
    list: async () => statements.listWorkspaces.all().map(workspaceOf),
    async create({ id, name, createdAtUs }) {
      return statements.insertWorkspace.run(id, name, createdAtUs, 0).changes === 1 ? 'created' : 'name_taken';
    },
    async addKey(key) {
      const { changes } = statements.insertKey.run(
        key.id,
        key.workspaceId,
        key.name,
        key.hint,
        key.sha256,
        key.createdAtUs,
        key.expiresAtUs,
      );
      return changes === 1 ? 'created' : 'exists';
    },
    async findKey(sha256, nowUs) {
      const row = statements.findLiveKey.get(sha256, nowUs);
      return row === undefined ? null : keyOf(row);
    },
    listKeys: async () => statements.listKeys.all().map(keyOf),
    usage: async (id, fromDay, toDay) => listUsage(statements, id, fromDay, toDay),
    revokeKey: async (id, nowUs) => (statements.revokeKey.run(nowUs, id).changes === 1 ? 'revoked' : 'missing'),
  };
}
