import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig, startServer } from '@batchwright/server';
import { expect, it, onTestFinished } from 'vitest';
import { create, items } from '../harness/batches.ts';
import { caller } from '../harness/caller.ts';

/** Files that say nothing of what clients sent: the format's number, and a lock with nothing in it. */
const TELLS_NOTHING = new Set(['format.json', 'lock.db', 'lock.db-journal']);
const KEY = 'sk-bw-files-test-000000000000';

it.skipIf(process.platform === 'win32')(
  'other users of the machine can read nothing that clients sent, however open the umask and the directory are',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'batchwright-files-'));
    const dataDir = join(directory, 'data');
    await mkdir(dataDir);
    await chmod(dataDir, 0o777);
    const settings = { port: 0, simulatorProfile: 'instant', logLevel: 'silent', apiKey: KEY } as const;
    const server = await startServer({ ...defaultConfig, ...settings, dataDir });
    onTestFinished(async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    });
    await create(caller(server.url, KEY, ''), items(3));
    const open: string[] = [];
    for (const entry of await readdir(dataDir, { recursive: true })) {
      const { mode } = await stat(join(dataDir, entry));
      if ((mode & 0o077) !== 0 && !TELLS_NOTHING.has(entry)) open.push(`${entry} ${(mode & 0o777).toString(8)}`);
    }
    expect(open).toEqual([]);
    expect(await readdir(join(dataDir, 'batches'))).toHaveLength(1);
  },
);
