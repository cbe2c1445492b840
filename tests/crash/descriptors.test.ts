import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, expectError, list } from '../harness/batches.ts';
import { bodyOf, createBatch, expectWhole } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.ts';
import { hasOpen, limitDescriptors, openHome, until, type Home, type ServerProcess } from './server-process.ts';

/** The operating system refuses the next file or connection: what is open goes on, what is asked for is refused or waits. */
let home: Home;
let upstream: CountingUpstream;
let release: () => void;
beforeEach(async () => {
  home = await openHome();
  let held: Promise<void> = Promise.resolve();
  release = () => undefined;
  upstream = await startCountingUpstream((id) => ({ after: id.startsWith('held') ? held : 0 }));
  held = new Promise((resolve) => (release = resolve));
});
afterEach(async () => {
  release();
  await home.close();
  await upstream.close();
});

/** Has called its upstream before; its log has written nothing yet. */
async function startUsed(): Promise<ServerProcess> {
  const server = await home.start(['--upstream', upstream.url, '--concurrency', '32', '--log-level', 'warn']);
  await expectWhole(server, upstream, await createBatch(server, 'first', 1), 'first', 1);
  // What it closes under a limit is free for others.
  await until('the files of that batch are closed', () => !hasOpen(server.pid, '/batches/'));
  return server;
}

describe('without file descriptors', () => {
  it('refuses a batch, says why, answers who is connected, and takes the batch when there are some again', async ({
    skip,
  }) => {
    const server = await startUsed();
    if (!limitDescriptors(server.pid, 0)) skip('prlimit is not there or not permitted');
    const refused = await server.client.post(BATCHES, bodyOf('item', 50));
    expect(expectError(refused, 529, 'overloaded_error').error.message).toMatch(/files and connections/);
    expect((await list(server.client)).data).toHaveLength(1);
    expect(await home.storedBatches()).toHaveLength(1);
    limitDescriptors(server.pid, 'enough');
    await expectWhole(server, upstream, await createBatch(server, 'item', 50), 'item', 1);
  });

  it('turns connections away without ending, and takes them when there are some again', async ({ skip }) => {
    const server = await startUsed();
    if (!limitDescriptors(server.pid, 0)) skip('prlimit is not there or not permitted');
    await Promise.all(Array.from({ length: 20 }, () => connectionEnds(server)));
    expect((await list(server.client)).data).toHaveLength(1);
    limitDescriptors(server.pid, 'enough');
    await expectWhole(server, upstream, await createBatch(server, 'item', 50), 'item', 1);
  });

  it.each([1, 4])(
    'but %i runs what was accepted as far as it goes, and to its end when there are some again',
    async (spare) => {
      const server = await startUsed();
      const batches = new Map<string, MessageBatch>([['held', await createBatch(server, 'held', 40)]]);
      await until('calls are held', () => upstream.calls.length > 10);
      limitDescriptors(server.pid, spare);
      for (let i = 0; i < 5; i++) {
        const response = await server.client.post(BATCHES, bodyOf(`late${i}`, 20));
        if (response.status === 200) batches.set(`late${i}`, JSON.parse(response.text) as MessageBatch);
        else expectError(response, 529, 'overloaded_error');
      }
      release();
      await until('the held calls are answered', () => upstream.answeredCount > 10);
      limitDescriptors(server.pid, 'enough');
      for (const [name, batch] of batches) await expectWhole(server, upstream, batch, name, 1);
      expect(await home.storedBatches()).toHaveLength(batches.size + 1);
    },
  );
});

/** A connection that is closed again by the other side, at once or when a request has come. */
function connectionEnds(server: ServerProcess): Promise<void> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.resume();
  });
}
