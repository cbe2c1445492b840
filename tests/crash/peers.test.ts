import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, batchOf, list, results, retrieve } from '../harness/batches.ts';
import { answerTo, startCountingUpstream } from './counting-upstream.ts';
import { answerText, question } from './crash-batches.ts';
import { MISBEHAVIOURS, ODDITIES, startMisbehavingUpstream } from './misbehaving-upstream.ts';
import {
  openDescriptors,
  openHome,
  pause,
  residentBytes,
  until,
  type Home,
  type ServerProcess,
} from './server-process.ts';
import { startUpload } from './slow-upload.ts';

/** Clients and upstreams that stall, trickle, abort and talk nonsense: memory stays bounded, and others are served. */
const MEGABYTE = 1024 * 1024;
/** What anybody else may wait for a small answer on average, on a machine that is busy with other tests. */
const PROMPT_MS = 250;

let home: Home;
const open: { close(): Promise<void> }[] = [];
const sockets: Socket[] = [];
beforeEach(async () => {
  home = await openHome();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await home.close();
  for (const one of open.splice(0)) await one.close();
});

async function startServer(padding: number, ...options: readonly string[]): Promise<ServerProcess> {
  const upstream = await startCountingUpstream(() => ({ padding }));
  open.push(upstream);
  return home.start(['--upstream', upstream.url, '--log-level', 'warn', ...options]);
}

function bodyOf(count: number, padding = 0): Buffer {
  const requests = Array.from({ length: count }, (_, i) => question(`item-${i}`, padding));
  return Buffer.from(JSON.stringify({ requests }));
}

async function runBatch(server: ServerProcess, count: number): Promise<MessageBatch> {
  const { id } = batchOf(await server.client.post(BATCHES, bodyOf(count).toString()));
  await until('the batch has ended', async () => (await retrieve(server.client, id)).processing_status === 'ended');
  return retrieve(server.client, id);
}

/** Opens a connection and sends the beginning of something. */
async function say(server: ServerProcess, text: string): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => undefined); // The server may hang up on any of these.
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  if (text !== '') await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return socket;
}

function headOf(server: ServerProcess, method: string, path: string, more = ''): string {
  const key = `x-api-key: ${server.client.key}\r\nanthropic-version: 2023-06-01\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: a\r\n${key}${more}`;
}

async function expectServed(server: ServerProcess, batch: MessageBatch): Promise<void> {
  const startedMs = performance.now();
  for (let i = 0; i < 20; i++) {
    expect((await retrieve(server.client, batch.id)).processing_status).toBe('ended');
    expect((await list(server.client)).data.length).toBeGreaterThan(0);
  }
  expect((performance.now() - startedMs) / 40).toBeLessThan(PROMPT_MS);
}

describe('clients that are slow, stand still or go away', () => {
  it('hold 300 connections in little memory, while others are served', async () => {
    const server = await startServer(0);
    const batch = await runBatch(server, 10);
    const before = { bytes: residentBytes(server.pid), descriptors: openDescriptors(server.pid) };
    const part = headOf(server, 'GET', BATCHES);
    const halfBody = `${headOf(server, 'POST', '/v1/messages', 'content-length: 100000\r\n')}\r\n{"model":"`;
    await Promise.all(Array.from({ length: 300 }, (_, i) => say(server, ['', part, halfBody][i % 3] ?? '')));
    const trickling = Promise.all(
      sockets.slice(0, 100).map(async (socket) => {
        for (const character of 'x-slow: abcdefgh') {
          socket.write(character);
          await pause(5);
        }
      }),
    );
    await expectServed(server, batch);
    expect((await runBatch(server, 10)).request_counts.succeeded).toBe(10);
    await trickling;
    expect(residentBytes(server.pid) - before.bytes).toBeLessThan(100 * MEGABYTE);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until('connections are let go', () => openDescriptors(server.pid) < before.descriptors + 50);
  });

  it('leave nothing of uploads they abort anywhere in the body', async () => {
    const server = await startServer(0);
    const batch = await runBatch(server, 10);
    const body = bodyOf(20, MEGABYTE / 2);
    const round = async (): Promise<void> => {
      const aborted = Array.from({ length: 20 }, async (_, i) => {
        const upload = startUpload(server.client, body);
        await Promise.race([upload.send(Math.floor((body.length * i) / 20)), pause(200)]);
        upload.abort();
        expect(await upload.answer).toBeNull();
      });
      await Promise.all(aborted);
      await until('nothing is left of them', async () => (await home.storedBatches()).length === 1);
    };
    await round();
    const before = { bytes: residentBytes(server.pid), descriptors: openDescriptors(server.pid) };
    for (let i = 0; i < 3; i++) await round();
    // What uploads cost once they keep; a second and a third hundred must not cost it again.
    expect(residentBytes(server.pid) - before.bytes).toBeLessThan(100 * MEGABYTE);
    await until('files are closed', () => openDescriptors(server.pid) < before.descriptors + 10);
    await expectServed(server, batch);
    expect((await runBatch(server, 10)).request_counts.succeeded).toBe(10);
  });

  it('hold with uploads that stand still no more than those uploads, and others go on polling', async () => {
    const server = await startServer(0);
    const batch = await runBatch(server, 10);
    const body = bodyOf(20, MEGABYTE / 2);
    const stalled = Array.from({ length: 12 }, () => startUpload(server.client, body));
    await Promise.all(stalled.map((upload) => Promise.race([upload.send(body.length - 1), pause(500)])));
    await expectServed(server, batch);
    expect(residentBytes(server.pid)).toBeLessThan(500 * MEGABYTE);
    for (const upload of stalled) upload.abort();
    expect((await runBatch(server, 10)).request_counts.succeeded).toBe(10);
    await until('nothing is left of them', async () => (await home.storedBatches()).length === 2);
  });

  it('read a large results file slowly in 4 MB each, and get all of it', async () => {
    const server = await startServer(MEGABYTE);
    const batch = await runBatch(server, 60);
    const path = `${BATCHES}/${batch.id}/results`;
    const whole = await server.client.get(path);
    const before = { bytes: residentBytes(server.pid), descriptors: openDescriptors(server.pid) };
    const readers = await Promise.all(
      Array.from({ length: 40 }, () => say(server, `${headOf(server, 'GET', path, 'connection: close\r\n')}\r\n`)),
    );
    await Promise.all(readers.map((reader) => firstBytes(reader)));
    await expectServed(server, batch);
    expect(residentBytes(server.pid) - before.bytes).toBeLessThan(readers.length * 4 * MEGABYTE);

    const [patient, ...impatient] = readers;
    for (const reader of impatient) reader.destroy();
    await until('their files are closed', () => openDescriptors(server.pid) < before.descriptors + 10);
    expect(await restBytes(patient as Socket)).toBeGreaterThan(whole.bytes.length);
    expect((await server.client.get(path)).bytes.equals(whole.bytes)).toBe(true);
  });
});

/** Reads what comes first, and then nothing more. */
function firstBytes(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('data', () => {
      socket.pause();
      resolve();
    });
  });
}

/** Reads to the end of what the server sends, and answers how much that was; the head and the first bytes count. */
function restBytes(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    socket.on('data', () => undefined).resume();
    socket.once('close', () => resolve(socket.bytesRead));
  });
}

describe('an upstream that misbehaves', () => {
  // Answers of many megabytes keep this process busy that plays the upstream: one of each, or others seem to stall.
  const timesOf = (how: string): number => (/ \d+ MB$/.test(how) ? 1 : 3);
  const ids = [...MISBEHAVIOURS, ...ODDITIES].flatMap((how, i) =>
    Array.from({ length: timesOf(how) }, (_, n) => `how${i}-${n}`),
  );
  const howOf = (id: string) =>
    [...MISBEHAVIOURS, ...ODDITIES][Number(/^how(\d+)/.exec(id)?.[1])] ?? ('resets' as const);

  it('costs those requests a second call, nobody else anything, and no answer is taken for another', async () => {
    const upstream = await startMisbehavingUpstream(howOf);
    open.push(upstream);
    const server = await home.start([
      '--upstream',
      upstream.url,
      '--upstream-timeout-seconds',
      '5',
      '--log-level',
      'warn',
    ]);
    const before = residentBytes(server.pid);
    const body = { requests: ids.map((id) => question(id, 100)) };
    const { id } = batchOf(await server.client.post(BATCHES, body));
    await until('the batch has ended', async () => (await retrieve(server.client, id)).processing_status === 'ended');
    const rows = await results(server.client, id);
    expect(rows.map((row) => row.custom_id).toSorted()).toEqual(ids.toSorted());
    for (const row of rows) {
      expect(answerText(row).trimEnd(), howOf(row.custom_id)).toBe(answerTo(row.custom_id));
    }
    for (const customId of ids) {
      const expected = ODDITIES.some((oddity) => oddity === howOf(customId)) ? 1 : 2;
      expect(upstream.calls.get(customId), howOf(customId)).toBe(expected);
    }
    // An answer of 64 MB is held before it is found too long, and one of 20 MB is taken.
    expect(residentBytes(server.pid) - before).toBeLessThan(400 * MEGABYTE);
  });
});
