import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import { frame } from '../../packages/server/src/dispatch/event-stream.fixture.ts';
import { BATCHES, batchOf, results } from '../harness/batches.ts';
import { closeServer, message } from '../harness/scripted-upstream.ts';
import { bodyOf, createBatch, expectWhole, untilEnded } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream, type UpstreamAnswer } from './counting-upstream.ts';
import { openHome, pause, until, type Home, type ServerProcess } from './server-process.ts';

/**
 * SIGTERM in the phases that `drain.test.ts` does not know: each time the server exits with 0 within its grace, and the
 * next start loses nothing.
 */
const GRACE_SECONDS = 1;
/** Beside the grace: flushing, closing, and a machine that is busy with other tests. */
const CLOSING_MS = 10_000;

let home: Home;
let upstream: CountingUpstream;
let answer: () => UpstreamAnswer;
const open: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  home = await openHome();
  answer = () => ({});
  upstream = await startCountingUpstream(() => answer());
});
afterEach(async () => {
  await home.close();
  await upstream.close();
  for (const one of open.splice(0)) await one.close();
});

function start(url = upstream.url): Promise<ServerProcess> {
  const grace = ['--shutdown-grace-seconds', String(GRACE_SECONDS)];
  return home.start(['--upstream', url, '--concurrency', '8', '--log-level', 'warn', ...grace]);
}

async function expectStopped(server: ServerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const startedMs = performance.now();
  server.signal(signal);
  expect(await server.ended, server.err()).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(GRACE_SECONDS * 1000 + CLOSING_MS);
}

describe('SIGTERM', () => {
  it('while it starts ends it in order or before it began, and never loses the key of a first start', async () => {
    for (const afterMs of [60, 250]) {
      const fresh = await openHome({ env: { BATCHWRIGHT_API_KEY: '' } });
      open.push(fresh);
      const command = fresh.spawn(['--upstream', upstream.url]);
      await pause(afterMs);
      command.kill('SIGTERM');
      expect([0, 'SIGTERM'], command.err()).toContain(await command.ended);
      const next = fresh.spawn(['--upstream', upstream.url]);
      await next.prints(/Ctrl-C/);
      const keys = [command, next].filter((one) => one.out().includes('ANTHROPIC_API_KEY='));
      expect(keys, `${afterMs} ms`).toHaveLength(1);
    }
  });

  it('while requests back off waits for none of them, and the next start sends them again', async () => {
    answer = () => ({ failure: 500 });
    const server = await start();
    const batch = await createBatch(server, 'item', 20);
    await until('every request was refused', () => upstream.calls.length >= 20);
    await expectStopped(server);
    answer = () => ({});
    await expectWhole(await start(), upstream, batch, 'item', 10);
  });

  it('while a batch is downloaded lets the reader have it whole, and cuts one that stands still', async () => {
    answer = () => ({ padding: 400_000 });
    const server = await start();
    const batch = await createBatch(server, 'item', 100);
    await untilEnded(server, batch);
    const [reader, idler] = [await startReading(server, batch), await startReading(server, batch)];
    const stopping = expectStopped(server);
    await until('the server says that it stops', () => server.err().includes('Stopping'));
    expect(await reader.restBytes()).toBeGreaterThan(100 * 400_000);
    await stopping;
    expect(await idler.restBytes()).toBeLessThan(100 * 400_000);
    await expectWhole(await start(), upstream, batch, 'item', 1);
  });

  it('while the answers of others are being committed keeps them all', async () => {
    const server = await start();
    const batch = await createBatch(server, 'item', 2000);
    await until('answers come', () => upstream.answeredCount > 200);
    await expectStopped(server);
    await expectWhole(await start(), upstream, batch, 'item', 1);
  });

  it('and SIGINT are alike, and the other one leaves at once', async () => {
    answer = () => ({ after: new Promise(() => undefined) });
    const server = await home.start(['--upstream', upstream.url, '--shutdown-grace-seconds', '60']);
    const batch = await createBatch(server, 'item', 20);
    await until('calls are under way', () => upstream.calls.length > 0);
    server.signal('SIGINT');
    await until('the server says that it stops', () => server.err().includes('Stopping'));
    await pause(500); // Two signals closer together than this count as one keystroke.
    server.signal('SIGTERM');
    expect(await server.ended).toBe(1);
    answer = () => ({});
    await expectWhole(await start(), upstream, batch, 'item', 2);
  });

  it('while a leader is streamed gives it back, and the next start sends that one again and no other', async () => {
    const held = await startStreamingUpstream();
    open.push(held);
    const server = await start(held.url);
    const system = [{ type: 'text', text: 'lorem ipsum '.repeat(3000), cache_control: { type: 'ephemeral' } }];
    const requests = bodyOf('item', 12).requests.map((item) => ({ ...item, params: { ...item.params, system } }));
    const batch = batchOf(await server.client.post(BATCHES, { requests }));
    // Others may follow it by now: its answer has begun.
    await until('the leader is streamed', () => held.streamed === 1);
    await expectStopped(server);
    held.release();
    const next = await start(held.url);
    await untilEnded(next, batch);
    const rows = await results(next.client, batch.id);
    expect(rows.map((row) => row.result.type)).toEqual(Array(12).fill('succeeded'));
    expect(new Set(rows.map((row) => row.custom_id)).size).toBe(12);
    expect(held.streamed).toBe(1);
    expect(held.calls).toBe(13);
  });
});

interface Reading {
  /** Reads on to the end or the cut; how many bytes came in all. */
  restBytes(): Promise<number>;
}

/** Reads the head and the first bytes of a download. */
async function startReading(server: ServerProcess, batch: MessageBatch): Promise<Reading> {
  const { hostname, port } = new URL(server.url);
  const socket: Socket = connect(Number(port), hostname);
  open.push({ close: async () => void socket.destroy() });
  socket.on('error', () => undefined); // The server may cut it.
  const key = `x-api-key: ${server.client.key}\r\nanthropic-version: 2023-06-01`;
  socket.write(`GET ${BATCHES}/${batch.id}/results HTTP/1.1\r\nhost: a\r\n${key}\r\nconnection: close\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
  return {
    restBytes: () =>
      new Promise((resolve) => {
        socket.once('close', () => resolve(socket.bytesRead));
        socket.on('data', () => undefined).resume();
      }),
  };
}

/** Begins to stream an answer and holds it; once released it answers everybody whole. */
async function startStreamingUpstream() {
  const state = { calls: 0, streamed: 0, isReleased: false };
  const answerWhole = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(message('an answer')));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined); // A server that stops hangs up.
    request.once('end', () => {
      state.calls++;
      const { stream = false } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly stream?: boolean };
      if (state.isReleased || !stream) return answerWhole(response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(frame({ type: 'message_start', message: { ...message(''), content: [], stop_reason: null } }));
      state.streamed++;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get calls(): number {
      return state.calls;
    },
    get streamed(): number {
      return state.streamed;
    },
    release: () => void (state.isReleased = true),
    close: () => closeServer(server),
  };
}
