import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { RequestView } from './request-view.ts';

const CHUNK_BYTES = 64 * 1024;
const LIMIT_BYTES = 1 << 30;

const servers: { close(): unknown }[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

interface Reading {
  readonly digest: string;
  /** Chunks whose memory was there while they were read and is gone now. */
  readonly freed: number;
  readonly chunks: number;
}

async function readReleasing(request: IncomingMessage): Promise<Reading> {
  const view = new RequestView(request, LIMIT_BYTES);
  const digest = createHash('sha256');
  const chunks: Uint8Array[] = [];
  for await (const chunk of view as AsyncIterable<Uint8Array>) {
    digest.update(chunk);
    chunks.push(chunk);
    view.release(chunk);
  }
  const freed = chunks.filter((chunk) => chunk.byteLength === 0).length;
  return { digest: digest.digest('hex'), freed, chunks: chunks.length };
}

/** Sends the body over loopback, with its length or in chunks, and answers what the server read. */
async function sendOver(body: Buffer, headers: Record<string, string | number>): Promise<Reading> {
  const server = createServer();
  servers.push(server);
  const reading = once(server, 'request').then(async (args) => {
    const [request, response] = args as [IncomingMessage, ServerResponse];
    const read = await readReleasing(request);
    response.end();
    return read;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const call = send({ port, host: '127.0.0.1', method: 'POST', headers });
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  response.resume();
  return reading;
}

describe('a released chunk', () => {
  it.each([
    ['with its length', (body: Buffer) => ({ 'content-length': body.length })],
    ['in chunks', () => ({ 'transfer-encoding': 'chunked' })],
  ])('of a body sent %s is gone, and the body was read whole', async (_, headers) => {
    const body = randomFillSync(Buffer.alloc(8 << 20));
    const { digest, freed, chunks } = await sendOver(body, headers(body));
    expect(digest).toBe(createHash('sha256').update(body).digest('hex'));
    // Nearly all of a body comes in buffers of its own; the last one is never followed by another.
    expect(freed).toBeGreaterThan(0);
    expect(freed).toBeLessThan(chunks);
  });

  it('keeps its memory until the next one is released', () => {
    const view = new RequestView(new PassThrough() as unknown as IncomingMessage, LIMIT_BYTES);
    const [first, second] = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)];
    view.release(first);
    expect(first.byteLength).toBe(CHUNK_BYTES);
    view.release(second);
    expect([first.byteLength, second.byteLength]).toEqual([0, CHUNK_BYTES]);
  });

  it('keeps it for good when it is part of a larger buffer, or small', () => {
    const view = new RequestView(new PassThrough() as unknown as IncomingMessage, LIMIT_BYTES);
    const part = new Uint8Array(2 * CHUNK_BYTES).subarray(CHUNK_BYTES);
    const small = new Uint8Array(100);
    for (const chunk of [part, small, new Uint8Array(1)]) view.release(chunk);
    expect([part.byteLength, small.byteLength]).toEqual([CHUNK_BYTES, 100]);
  });
});
