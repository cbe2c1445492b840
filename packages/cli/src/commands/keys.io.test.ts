import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, startCommand } from '../command-process.fixture.ts';
import type { CommandProcess } from '../command-process.fixture.ts';

let cwd: string;
let server: CommandProcess;
let url: string;

// One server for the whole file: every test makes keys and workspaces of its own, while it runs.
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'batchwright-keys-'));
  server = startCommand(['serve', '--port', '0'], cwd);
  url = (await server.prints(/ANTHROPIC_BASE_URL=(\S+)/))[1] ?? '';
  await server.prints(/Ctrl-C/);
});
afterAll(async () => {
  server.kill('SIGKILL');
  await server.ended;
  await rm(cwd, { recursive: true, force: true });
});

async function admitted(key: string): Promise<number> {
  const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' };
  const response = await fetch(`${url}/v1/messages/batches`, { headers });
  await response.arrayBuffer();
  return response.status;
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await runCommand([...args, '--json'], cwd);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

describe('keys', () => {
  it('prints a new key alone on standard output, and the running server takes it at once', async () => {
    const { code, out, err } = await runCommand(['keys', 'create', '--name', 'notebook', '--expires', '30d'], cwd);
    expect(code).toBe(0);
    expect(out).toMatch(/^sk-bw-[A-Za-z0-9_-]{43}\n$/);
    expect(err).toMatch(
      /^apikey_01\w{22} in workspace default, expires \d{4}-\d\d-\d\d\. The key is not shown again\.\n$/,
    );
    expect(await admitted(out.trim())).toBe(200);
  });

  it('lists keys by hint, for people and for programs', async () => {
    const made = (await json('keys', 'create', '--name', 'listed')) as { id: string; key: string };
    const listed = (await json('keys', 'list')) as readonly { id: string; hint: string }[];
    expect(listed.find((key) => key.id === made.id)?.hint).toBe(`${made.key.slice(0, 8)}…${made.key.slice(-4)}`);
    const { out } = await runCommand(['keys', 'list'], cwd);
    const row = out.split('\n').find((line) => line.startsWith(made.id));
    expect(row?.split('\t').slice(1, 3)).toEqual(['listed', 'default']);
    expect(row).toMatch(/\tnever expires$/);
    expect(out).not.toContain(made.key);
  });

  it('revokes a key, which the running server refuses from then on', async () => {
    const { id, key } = (await json('keys', 'create')) as { id: string; key: string };
    expect(await admitted(key)).toBe(200);
    expect(await runCommand(['keys', 'revoke', id], cwd)).toEqual({ code: 0, out: '', err: `${id} is revoked.\n` });
    expect(await admitted(key)).toBe(401);
    const { out } = await runCommand(['keys', 'list'], cwd);
    expect(out.split('\n').find((line) => line.startsWith(id))).toMatch(/\trevoked$/);
  });

  it.each([
    [['keys', 'create', '--expires', 'soon'], 2, /--expires is "soon", but must be a duration/],
    [['keys', 'create', '--workspace', 'nowhere'], 1, /no workspace "nowhere"\. See batchwright workspaces list/],
    [['keys', 'revoke', 'apikey_none'], 1, /no key with the id "apikey_none"\. See batchwright keys list/],
    [['keys', 'list', '--data-dir', 'elsewhere'], 1, /no data in \S+elsewhere\. Start a server there once/],
    [['keys', 'revoke'], 2, /missing required argument 'id'/],
    [['keys', 'list', '--colour'], 2, /unknown option '--colour'/],
    [['workspaces', 'create', '../x'], 2, /"\.\.\/x" cannot be a workspace's name/],
  ])('%j leaves with %i and says why', async (args, code, why) => {
    const failed = await runCommand(args, cwd);
    expect([failed.code, failed.out]).toEqual([code, '']);
    expect(failed.err).toMatch(why);
    expect(failed.err).toMatch(/^batchwright: /);
  });
});

describe('workspaces', () => {
  it('are made once per name, and keys can be made in them', async () => {
    const { code, out, err } = await runCommand(['workspaces', 'create', 'research'], cwd);
    expect(code).toBe(0);
    expect(out).toMatch(/^wrkspc_01\w{22}\n$/);
    expect(err).toContain('batchwright keys create --workspace research');
    const again = await runCommand(['workspaces', 'create', 'research'], cwd);
    expect(again).toEqual({
      code: 1,
      out: '',
      err: 'batchwright: there is a workspace "research" already. Choose another name.\n',
    });
    const key = (await json('keys', 'create', '--workspace', 'research')) as { workspace_id: string; key: string };
    expect(key.workspace_id).toBe(out.trim());
    expect(await admitted(key.key)).toBe(200);
  });

  it('are listed, the default one marked', async () => {
    const listed = (await json('workspaces', 'list')) as readonly { name: string; is_default: boolean }[];
    expect(listed.filter((one) => one.is_default).map((one) => one.name)).toEqual(['default']);
    const { out } = await runCommand(['workspaces', 'list'], cwd);
    expect(out).toMatch(/^ID\tNAME\tCREATED\tDEFAULT\n/);
  });
});
