import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig, startServer, type RunningServer } from '@batchwright/server';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, items, list, retrieve } from '../harness/batches.ts';
import { caller, type Caller } from '../harness/caller.ts';
import { malformedCalls, type MalformedCall } from './malformed-call.ts';

/**
 * Whatever is said to the server over a socket, it answers in the API's envelope, never with 5xx, and keeps no trace of
 * what it refused. `BATCHWRIGHT_MALFORMED_CASES` raises the number of cases, `BATCHWRIGHT_MALFORMED_SEED` draws others.
 */
const CASES = Number(process.env['BATCHWRIGHT_MALFORMED_CASES'] ?? 3000);
const SEED = Number(process.env['BATCHWRIGHT_MALFORMED_SEED'] ?? 1);
const CASE_MS = 10_000;
/** A server that has said nothing, or all it will, for this long is hung up on. */
const SILENCE_MS = 100;

let dataDir: string;
let server: RunningServer;
let client: Caller;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'batchwright-malformed-'));
  const key = randomUUID();
  // Virtual time: what is accepted by chance stays as it is, and costs nothing.
  const settings = { port: 0, clock: 'virtual', logLevel: 'silent', shutdownGraceSeconds: 0 } as const;
  server = await startServer({ ...defaultConfig, ...settings, dataDir, apiKey: key });
  client = caller(server.url, key, '');
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Says it, then waits for the server to have its say; what comes back is everything until the connection closes. */
function say({ pieces, end }: MalformedCall): Promise<Buffer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const heard: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const tooLong = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end of the answer after ${CASE_MS} ms; so far: ${Buffer.concat(heard).toString('latin1')}`));
    }, CASE_MS);
    const silence = setTimeout(() => (end === 'unsure' ? socket.end() : undefined), SILENCE_MS);
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      silence.refresh();
    });
    socket.on('error', () => undefined); // A reset while we still speak; what was heard before it counts.
    socket.once('close', () => {
      clearTimeout(tooLong);
      clearTimeout(silence);
      resolve(Buffer.concat(heard));
    });
    for (const piece of pieces) socket.write(piece);
    if (end === 'cut') socket.end();
  });
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Splits what was heard into answers; `100 Continue` is none. */
function answersIn(heard: Buffer): readonly Answer[] {
  const text = heard.toString('latin1');
  const heads = [...text.matchAll(/HTTP\/1\.1 (\d{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/g)];
  return heads
    .map((match, i) => ({
      status: Number(match[1]),
      head: match[0],
      body: text.slice(match.index + match[0].length, heads[i + 1]?.index),
    }))
    .filter(({ status }) => status !== 100);
}

let acceptedCount = 0;
const statuses = new Map<number, number>();

function judge(call: MalformedCall, heard: Buffer): void {
  const answers = answersIn(heard);
  if (call.end === 'whole') expect(answers.length, heard.toString('latin1')).toBeGreaterThan(0);
  if (answers.length === 0) expect(heard.length).toBe(0);
  for (const answer of answers) {
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    expect(answer.status, answer.body).toBeLessThan(500);
    expect(answer.head).toMatch(/^request-id: req_\w+\r$/im);
    if (answer.status === 200 && answer.body.startsWith('{"id":"msgbatch_') && isCreate(call)) acceptedCount++;
    // An answer to HEAD has no body.
    if (answer.status >= 400 && !isHead(call)) expectEnvelope(answer);
  }
}

function expectEnvelope({ body, head }: Answer): void {
  const envelope = JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as Record<string, unknown>;
  expect(envelope).toMatchObject({ type: 'error', error: { type: expect.any(String), message: expect.any(String) } });
  expect(head.toLowerCase()).toContain(`request-id: ${String(envelope['request_id']).toLowerCase()}`);
}

function isCreate({ pieces }: MalformedCall): boolean {
  return Buffer.concat([...pieces])
    .toString('latin1')
    .includes('"requests"');
}

function isHead({ pieces }: MalformedCall): boolean {
  return Buffer.concat([...pieces])
    .toString('latin1')
    .startsWith('HEAD ');
}

describe('whatever is said to the server', () => {
  it(
    'is answered below 500, in the envelope, and leaves no trace when refused',
    async () => {
      const first = await create(client, items(2));
      const calls = malformedCalls({ key: client.key, batchId: first.id });
      const property = fc.asyncProperty(calls, async (call) => judge(call, await say(call)));
      await fc.assert(property, { numRuns: CASES, seed: SEED, endOnFailure: true });

      const stored = await readdir(join(dataDir, 'batches'));
      expect(stored).toHaveLength(1 + acceptedCount);
      expect((await list(client, '?limit=1')).data).toHaveLength(1);
      expect((await retrieve(client, first.id)).request_counts.processing).toBeGreaterThanOrEqual(0);
      if (process.env['BATCHWRIGHT_CRASH_REPORT'] !== undefined) {
        process.stderr.write(`cases ${CASES}; accepted ${acceptedCount}; statuses ${JSON.stringify([...statuses])}\n`);
      }
      // Cases that all fail at the first byte would prove little.
      expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 405]));
    },
    CASES * 40,
  );
});
