import { randomBytes } from 'node:crypto';
import { formatTimestamp, makeId } from '@batchwright/protocol';
import type { WorkspaceId } from '@batchwright/protocol';
import type { Catalog, Workspace } from '@batchwright/server';
import { EXIT_FAILED, EXIT_MISUSED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { formatTable } from '../output/table.ts';
import { nowUs } from './administration.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$/;

/** Makes a workspace; keys made in it see its batches and no others. */
export async function createWorkspace(
  catalog: Catalog,
  name: string,
  options: { readonly json?: boolean },
  host: Host,
): Promise<number> {
  if (!NAME.test(name)) {
    complain(
      host,
      `"${name}" cannot be a workspace's name: use 1 to 64 letters, digits, ".", "_", "-" or blanks, a letter or digit first.`,
    );
    return EXIT_MISUSED;
  }
  const workspace = { id: makeId('workspace', randomBytes) as WorkspaceId, name, createdAtUs: nowUs(host) };
  if ((await catalog.workspaces.create(workspace)) === 'name_taken') {
    complain(host, `there is a workspace "${name}" already. Choose another name.`);
    return EXIT_FAILED;
  }
  if (options.json === true) host.out(`${JSON.stringify(workspaceJson({ ...workspace, isDefault: false }))}\n`);
  else {
    host.out(`${workspace.id}\n`);
    host.err(`Workspace ${name}. A key for it: npx batchwright keys create --workspace ${shellWord(name)}\n`);
  }
  return EXIT_OK;
}

/** Lists the workspaces, oldest first. */
export async function listWorkspaces(
  catalog: Catalog,
  options: { readonly json?: boolean },
  host: Host,
): Promise<number> {
  const workspaces = await catalog.workspaces.list();
  if (options.json === true) host.out(`${JSON.stringify(workspaces.map(workspaceJson))}\n`);
  else {
    const rows = workspaces.map((one) => [
      one.id,
      one.name,
      formatTimestamp(one.createdAtUs).slice(0, 10),
      one.isDefault ? 'yes' : '',
    ]);
    host.out(formatTable(['ID', 'NAME', 'CREATED', 'DEFAULT'], rows, host.outIsTerminal));
  }
  return EXIT_OK;
}

function workspaceJson(workspace: Workspace): Readonly<Record<string, unknown>> {
  return {
    id: workspace.id,
    name: workspace.name,
    created_at: formatTimestamp(workspace.createdAtUs),
    is_default: workspace.isDefault,
  };
}

function shellWord(name: string): string {
  return name.includes(' ') ? `'${name}'` : name;
}
