import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, expectError, list, retrieve } from '../harness/batches.ts';
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.ts';
import type { RawResponse } from '../harness/raw-http.ts';
import { bodyOf, createBatch, expectWhole } from './crash-batches.ts';
import { limitFileSize, openHome, until, type Home, type ServerProcess } from './server-process.ts';
import { canMount, mountSmallDisk, type SmallDisk } from './small-disk.ts';

/**
 * A disk that is really full: a small file system in memory where the machine lets us mount one. Everywhere else, and
 * there too, a limit on the size of files, which refuses writes with another code in the middle of a file.
 */
const DISK_BYTES = 24 * 1024 * 1024;
const REQUESTS = 60;
/** Answers this long fill the rest of any disk here. */
const PADDING = 100_000;
const REFUSED = 'writing results failed';

let upstream: CountingUpstream;
let home: Home;
/** Lets the long answers go: a batch must not have ended before the disk is full. */
let release: () => void;
beforeEach(async () => {
  const held = new Promise<void>((resolve) => (release = resolve));
  upstream = await startCountingUpstream((id) => (id.startsWith('long') ? { padding: PADDING, after: held } : {}));
});
afterEach(async () => {
  await home.close();
  await upstream.close();
});

const start = (): Promise<ServerProcess> =>
  home.start(['--upstream', upstream.url, '--concurrency', '8', '--shutdown-grace-seconds', '1']);

/** Every request has its row and was paid for this often. */
const expectWholeOf = (server: ServerProcess, batch: MessageBatch, name: string, calls: number) =>
  expectWhole(server, upstream, batch, name, calls);

describe.runIf(canMount())('on a disk that runs full (needs the right to mount)', () => {
  let disk: SmallDisk;
  beforeEach(async () => {
    disk = mountSmallDisk(DISK_BYTES) as SmallDisk;
    home = await openHome({ root: disk.path });
  });
  afterEach(async () => {
    await home.close();
    disk.remove();
  });

  it('refuses a batch that does not fit, says why, leaves no trace, and takes the next that does', async () => {
    const server = await start();
    const response = await server.client.post(BATCHES, bodyOf('big', 40, 1024 * 1024));
    expect(expectError(response, 500, 'api_error').error.message).toMatch(/disk space/);
    expect(await home.storedBatches()).toEqual([]);
    expect((await list(server.client)).data).toEqual([]);
    await expectWholeOf(server, await createBatch(server, 'small', 3), 'small', 1);
  });

  it('refuses even the smallest batch while no byte is left, and says why', async () => {
    const server = await start();
    await disk.fill();
    for (let i = 0; i < 3; i++) {
      const response = await server.client.post(BATCHES, bodyOf(`small${i}`, 1));
      expect(expectError(response, 500, 'api_error').error.message).toMatch(/disk space/);
    }
    expect(await home.storedBatches()).toEqual([]);
    await disk.free();
    await expectWholeOf(server, await createBatch(server, 'after', 3), 'after', 1);
  });

  it('keeps the answers that do not fit, and goes on when space returns without paying twice', async () => {
    const server = await start();
    const batch = await createBatch(server, 'long', REQUESTS);
    await disk.fill();
    release();
    await until('results were refused', () => server.err().includes(REFUSED));
    expect((await retrieve(server.client, batch.id)).processing_status).toBe('in_progress');
    await disk.free();
    await expectWholeOf(server, batch, 'long', 1);
  });

  it('stops in order while the disk is full, and the next start loses nothing', async () => {
    const server = await start();
    const batch = await createBatch(server, 'long', REQUESTS);
    await disk.fill();
    release();
    await until('results were refused', () => server.err().includes(REFUSED));
    server.signal('SIGTERM');
    expect(await server.ended, server.err()).toBe(0);
    await disk.free();
    await expectWholeOf(await start(), batch, 'long', 2);
  });

  it('loses nothing to kill -9 while the disk is full', async () => {
    const server = await start();
    const batch = await createBatch(server, 'long', REQUESTS);
    await disk.fill();
    release();
    await until('results were refused', () => server.err().includes(REFUSED));
    await server.kill();
    await disk.free();
    await expectWholeOf(await start(), batch, 'long', 2);
  });

  it('says in one line why it cannot start on a disk that is read-only', async () => {
    const server = await start();
    server.signal('SIGTERM');
    await server.ended;
    expect(disk.makeReadOnly()).toBe(true);
    const command = home.spawn(['--upstream', upstream.url]);
    expect(await command.ended).toBe(1);
    expect(command.err()).toMatch(/^batchwright: .*(read-only|readonly|EROFS).*\n$/i);
  });
});

describe.runIf(canMount())('with the catalog on a disk of its own that runs full (needs the right to mount)', () => {
  let disk: SmallDisk;
  let batches: string;
  beforeEach(async () => {
    disk = mountSmallDisk(DISK_BYTES) as SmallDisk;
    batches = await mkdtemp(join(tmpdir(), 'batchwright-batches-'));
    home = await openHome({ root: disk.path });
    await mkdir(home.dataDir);
    await symlink(batches, join(home.dataDir, 'batches'));
  });
  afterEach(async () => {
    await home.close();
    disk.remove();
    await rm(batches, { recursive: true });
  });

  it('refuses a batch, leaves no trace of its body, ends what runs when space returns, and pays nothing twice', async () => {
    const server = await start();
    const batch = await createBatch(server, 'item', REQUESTS);
    await disk.fill();
    // The write-ahead log has pages of its own to use again: only a row too many needs the disk.
    const refused = await createUntilRefused(server);
    expect(expectError(refused, 500, 'api_error').error.message).toMatch(/disk space/);
    expect((await home.storedBatches()).length).toBe((await list(server.client, '?limit=1000')).data.length);
    await disk.free();
    await expectWholeOf(server, batch, 'item', 1);
    await untilAllEnded(server);
    await expectWholeOf(server, await createBatch(server, 'after', 3), 'after', 1);
  });
});

async function createUntilRefused(server: ServerProcess): Promise<RawResponse> {
  for (let i = 0; ; i++) {
    const response = await server.client.post(BATCHES, bodyOf(`more${i}`, 1));
    if (response.status !== 200) return response;
  }
}

async function untilAllEnded(server: ServerProcess): Promise<void> {
  await until('every batch has ended', async () => {
    const { data } = await list(server.client, '?limit=1000');
    return data.every((batch) => batch.processing_status === 'ended');
  });
}

describe('under a limit on the size of files', () => {
  beforeEach(async () => {
    home = await openHome();
  });

  it('refuses a batch whose body is larger, leaves no trace, and takes the next', async ({ skip }) => {
    const server = await start();
    if (!limitFileSize(server.pid, 2 * 1024 * 1024)) skip('prlimit is not there or not permitted');
    const response = await server.client.post(BATCHES, bodyOf('big', 40, 1024 * 1024));
    expect(expectError(response, 500, 'api_error').error.message).toMatch(/disk space/);
    expect(await home.storedBatches()).toEqual([]);
    expect((await list(server.client)).data).toEqual([]);
    await expectWholeOf(server, await createBatch(server, 'small', 3), 'small', 1);
  });

  it('keeps the answers that do not fit, and goes on when the limit is lifted without paying twice', async ({
    skip,
  }) => {
    const server = await start();
    if (!limitFileSize(server.pid, 1024 * 1024)) skip('prlimit is not there or not permitted');
    const batch = await createBatch(server, 'long', REQUESTS);
    release();
    await until('results were refused', () => server.err().includes(REFUSED));
    expect((await retrieve(server.client, batch.id)).processing_status).toBe('in_progress');
    expect(limitFileSize(server.pid, 'unlimited')).toBe(true);
    await expectWholeOf(server, batch, 'long', 1);
  });
});
