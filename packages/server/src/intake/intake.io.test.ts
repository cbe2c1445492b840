import { decodePlan, VirtualClock, type PlacedPlan } from '@batchwright/core';
import { LIMITS, wireError } from '@batchwright/protocol';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { openFileSpool } from '../spool/file/file-spool.ts';
import { REQUEST_BLOCK_BYTES, SpoolFullError } from '../spool/spool.ts';
import { bodyOf, intakeFixture, type IntakeFixture, openStream, storedParams, streamOf } from './intake.fixture.ts';
import type { IntakeOutcome } from './intake.ts';
import { RING_BLOCKS } from './scanner-pool.ts';
import { IDLE_TIMEOUT_MS, LEAST_BYTES } from './upload.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const small = Buffer.from('{"requests":[{"custom_id":"a","params":{}}]}');

function words(outcome: IntakeOutcome): string {
  return outcome.type === 'refused' ? wireError(outcome.problem).message : outcome.type;
}

/** Requests that ask a question each about one document, which is so many bytes long. */
function promptsOf(count: number, documentBytes: number): Buffer {
  const system = 'x'.repeat(documentBytes);
  const requests = Array.from({ length: count }, (_, i) => ({
    custom_id: `r-${i}`,
    params: { model: 'm', system, messages: [{ role: 'user', content: `no. ${i}` }] },
  }));
  return Buffer.from(JSON.stringify({ requests }));
}

/** Neither store knows of any batch, no timer is left, and the next upload gets its turn. */
async function expectNoTrace(fixture: IntakeFixture): Promise<void> {
  const { spool, catalog, clock, control, receive, terms } = fixture;
  expect(await spool.list()).toEqual([]);
  const page = await catalog.batches.list(terms.workspaceId, { type: 'first' }, 10);
  expect(page).toEqual({ batches: [], hasMore: false });
  expect(clock.pendingCount).toBe(0);
  control.failAt = () => undefined;
  control.release();
  expect(words(await receive(streamOf(small)))).toBe('accepted');
}

describe('an accepted body', () => {
  it.each([1, 7, 100, 65_536])('is stored verbatim when it comes in chunks of %i bytes', async (chunkBytes) => {
    const { receive, control, spool, catalog, terms } = await intakeFixture();
    const body = bodyOf(60, 100);
    const outcome = await receive(streamOf(body, chunkBytes));
    if (outcome.type !== 'accepted') throw new Error(words(outcome));
    expect(control.digest.digest('hex')).toBe(sha256(body));
    expect(outcome.batch).toMatchObject({ requestCount: 60, status: 'in_progress', workspaceId: terms.workspaceId });
    expect(await catalog.batches.find(terms.workspaceId, outcome.batch.id)).toEqual(outcome.batch);
    const params = await storedParams(spool, outcome.batch.id);
    expect(params).toEqual(Array.from({ length: 60 }, () => `{"t":"${'x'.repeat(92)}"}`));
  });

  it.each([
    ['fills blocks exactly', 2 * REQUEST_BLOCK_BYTES, [REQUEST_BLOCK_BYTES, REQUEST_BLOCK_BYTES]],
    ['is a byte over', REQUEST_BLOCK_BYTES + 1, [REQUEST_BLOCK_BYTES, 1]],
    ['is larger than the ring', 30_000_000, [...Array<number>(7).fill(REQUEST_BLOCK_BYTES), 639_872]],
  ])('is handed over in whole blocks when it %s', async (_, bytes, blocks) => {
    for (const chunkBytes of [65_536, 65_537, bytes]) {
      const { receive, control } = await intakeFixture();
      const body = Buffer.concat([small, Buffer.alloc(bytes - small.length, ' ')]);
      expect(words(await receive(streamOf(body, chunkBytes)))).toBe('accepted');
      expect(control.blockBytes).toEqual(blocks);
      expect(control.digest.digest('hex')).toBe(sha256(body));
    }
  });

  it('with a budget has a plan although nothing is shared, for the length of its prompts', async () => {
    const { receive, spool } = await intakeFixture();
    const body = Buffer.from(promptsOf(2, 4000).toString().replaceAll('"m"', '"claude-haiku-4-5"'));
    for (const [budget, suffixTokens] of [
      [null, undefined],
      [1, 1002],
    ] as const) {
      const outcome = await receive(streamOf(body), null, budget);
      if (outcome.type !== 'accepted') throw new Error(words(outcome));
      const { plan } = await spool.openRequestLog(outcome.batch.id);
      expect(plan === null ? undefined : decodePlan(plan)?.suffixTokens[0]).toBe(suffixTokens);
    }
  });

  it('with a budget may hold requests that name no model: they are refused when they run', async () => {
    const { receive } = await intakeFixture();
    expect(words(await receive(streamOf(small), null, 1))).toBe('accepted');
  });

  it('may have 100,000 requests, and no more', async () => {
    const fixture = await intakeFixture();
    expect(words(await fixture.receive(streamOf(bodyOf(100_001), 65_536)))).toBe(
      'requests: List should have at most 100000 items after validation, not 100001',
    );
    expect(await fixture.spool.list()).toEqual([]);
    const outcome = await fixture.receive(streamOf(bodyOf(100_000), 65_536));
    if (outcome.type !== 'accepted') throw new Error(words(outcome));
    expect(outcome.batch.requestCount).toBe(100_000);
    const log = await fixture.spool.openRequestLog(outcome.batch.id);
    expect(Buffer.from(log.index.customIds.of(99_999)).toString()).toBe('r-99999');
  });

  it('may have 256 MB, and not a byte more', async () => {
    const dropped = { append: async () => undefined, commit: async () => undefined, discard: async () => undefined };
    const fixture = await intakeFixture({ spool: { createRequestLog: async () => dropped } });
    const spaces = Buffer.alloc(1 << 20, ' ');
    const body = async (bytes: number): Promise<IntakeOutcome> => {
      const stream = openStream();
      const outcome = fixture.receive(stream);
      stream.push(small);
      for (let rest = bytes - small.length; rest > 0; rest -= spaces.length) {
        stream.push(rest < spaces.length ? spaces.subarray(0, rest) : spaces);
        if (rest % (16 << 20) < spaces.length) await settled();
      }
      stream.push(null);
      return outcome;
    };
    expect(words(await body(LIMITS.batchBodyBytes))).toBe('accepted');
    expect(words(await body(LIMITS.batchBodyBytes + 1))).toBe('Request exceeds the maximum size of 268435456 bytes.');
  });

  it('is planned the same however it was cut, and another way under other betas', async () => {
    const fixture = await intakeFixture();
    const body = promptsOf(3_000, 8_000);
    const planIn = async (chunkBytes: number, betas: readonly string[] = []): Promise<PlacedPlan> => {
      const terms = { ...fixture.terms, betas, options: { ...fixture.terms.options, markers: 'auto' } } as const;
      const outcome = await fixture.intake.receive(streamOf(body, chunkBytes), terms, null);
      if (outcome.type !== 'accepted') throw new Error(words(outcome));
      const { plan } = await fixture.spool.openRequestLog(outcome.batch.id);
      const decoded = plan === null ? null : decodePlan(plan);
      if (decoded === null) throw new Error('the batch has no plan');
      return decoded;
    };
    const plan = await planIn(body.length);
    // The document is the same in all, the question in none.
    expect(plan).toMatchObject({ nodeCount: 1, requestCount: 3_000, models: ['m'] });
    expect([plan.tokens[0], plan.requests[0], plan.suffixTokens[0]]).toEqual([2000, 3_000, 2]);
    for (const chunkBytes of [4_099, 65_536, 1_000_003]) expect(await planIn(chunkBytes)).toEqual(plan);
    const asked = await planIn(65_536, ['b-2026-01-01', 'a-2026-01-01']);
    expect(asked.hash[0]).not.toBe(plan.hash[0]);
    expect(await planIn(65_536, ['a-2026-01-01', 'b-2026-01-01', 'a-2026-01-01'])).toEqual(asked);
  });

  it('hands back every chunk once it is read, and no part of one', async () => {
    const fixture = await intakeFixture();
    const bytes = bodyOf(3_000, 2_000);
    const released: number[] = [];
    const body = Object.assign(streamOf(bytes, 65_536), {
      release: (chunk: Uint8Array) => released.push(chunk.length),
    });
    expect((await fixture.receive(body)).type).toBe('accepted');
    expect(released.reduce((sum, length) => sum + length, 0)).toBe(bytes.length);
    expect(released.slice(0, -1).every((length) => length === 65_536)).toBe(true);
  });

  it('is told of with its bytes and seconds', async () => {
    const seen: [number, number][] = [];
    const { receive, clock } = await intakeFixture({ observe: (bytes, seconds) => seen.push([bytes, seconds]) });
    const stream = openStream();
    const outcome = receive(stream);
    await settled();
    await clock.advance(1_500);
    stream.push(small);
    stream.push(null);
    await outcome;
    expect(seen).toEqual([[small.length, 1.5]]);
  });
});

describe('a slow disk', () => {
  it('stops the stream when the ring is full, and lets it go on block by block', async () => {
    const { receive, control } = await intakeFixture();
    const body = Buffer.concat([small, Buffer.alloc(8 * REQUEST_BLOCK_BYTES, ' ')]);
    const stream = streamOf(body, 65_536);
    control.holding = true;
    const outcome = receive(stream);
    for (let written = 0; written < 2; written++) {
      await once(stream, 'pause');
      await control.untilHeld(RING_BLOCKS);
      await settled();
      expect(control.held).toHaveLength(RING_BLOCKS);
      expect(stream.isPaused()).toBe(true);
      expect(control.blockBytes).toHaveLength(RING_BLOCKS + written);
      control.held.shift()?.release();
    }
    await once(stream, 'pause');
    control.release();
    expect(words(await outcome)).toBe('accepted');
    expect(control.digest.digest('hex')).toBe(sha256(body));
  });

  it('is waited for after the last byte, which may come in the same chunk', async () => {
    const { receive, control } = await intakeFixture();
    const body = Buffer.concat([small, Buffer.alloc(7 * REQUEST_BLOCK_BYTES, ' ')]);
    control.holding = true;
    const outcome = receive(streamOf(body));
    await control.untilHeld(RING_BLOCKS);
    await settled();
    control.release();
    expect(words(await outcome)).toBe('accepted');
    expect(control.digest.digest('hex')).toBe(sha256(body));
  });

  it('is no silence of the client', async () => {
    const { receive, control, clock } = await intakeFixture();
    control.holding = true;
    const stream = streamOf(Buffer.concat([small, Buffer.alloc(7 * REQUEST_BLOCK_BYTES, ' ')]), 65_536);
    const outcome = receive(stream);
    await once(stream, 'pause');
    await control.untilHeld(RING_BLOCKS);
    await clock.advance(10 * IDLE_TIMEOUT_MS, settled);
    control.release();
    expect(words(await outcome)).toBe('accepted');
  });
});

describe('a refused body leaves no trace', () => {
  it.each([
    ['is not JSON', '{"requests":[}', 'The request body is not valid JSON: unexpected character at byte 13'],
    ['is empty', '', 'The request body is not valid JSON: the body is empty'],
    [
      'ends in the middle of a character',
      Buffer.from([0x22, 0xc3]),
      'The request body is not valid JSON: invalid UTF-8 at byte 1',
    ],
    ['has a bad item', '{"requests":[{}]}', 'requests.0.custom_id: Field required'],
  ])('when it %s, and never reached the spool', async (_, body, reason) => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    expect(words(await fixture.receive(streamOf(Buffer.from(body as string), 5)))).toBe(reason);
    expect(fixture.control.created).toBe(0);
    await expectNoTrace(fixture);
  });

  it('when it goes wrong after blocks were written, without reading the rest', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const stream = openStream();
    const outcome = fixture.receive(stream);
    stream.push(Buffer.concat([small, Buffer.alloc(REQUEST_BLOCK_BYTES, ' '), Buffer.from('}')]));
    expect(words(await outcome)).toContain('unexpected character at byte 4194348');
    expect(fixture.control.created).toBe(1);
    expect(stream.isPaused()).toBe(true);
    await expectNoTrace(fixture);
  });

  it('and waits for the writes in flight before the ring serves another', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    fixture.control.holding = true;
    const stream = openStream();
    let ended = false;
    const outcome = fixture.receive(stream).finally(() => (ended = true));
    stream.push(Buffer.concat([small, Buffer.alloc(REQUEST_BLOCK_BYTES, ' '), Buffer.from('}')]));
    await fixture.control.untilHeld(1);
    await settled();
    expect(ended).toBe(false);
    fixture.control.release();
    expect(words(await outcome)).toContain('not valid JSON');
    await expectNoTrace(fixture);
  });

  it('when it has a budget and a model without a price', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    expect(words(await fixture.receive(streamOf(promptsOf(2, 10)), null, 1))).toContain(
      'batchwright-options: budget_usd: No price is known for the model `m`',
    );
    await expectNoTrace(fixture);
  });

  it('when the queue is full', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const outcome = await fixture.receive(streamOf(bodyOf(5)), 4);
    expect(outcome).toEqual({
      type: 'refused',
      problem: { type: 'queue_full', limit: 4, queued: 0, submitted: 5, retryAfterSeconds: 60 },
    });
    await expectNoTrace(fixture);
  });

  it('when nothing comes for a minute', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const stream = openStream();
    const outcome = fixture.receive(stream);
    let isOver = false;
    void outcome.then(() => (isOver = true));
    for (let minutes = 0; minutes < 5; minutes++) {
      stream.push(' '.repeat(LEAST_BYTES));
      await settled();
      await fixture.clock.advance(IDLE_TIMEOUT_MS - 1, settled);
    }
    expect(isOver).toBe(false);
    await fixture.clock.advance(1, settled);
    expect(await outcome).toEqual({ type: 'refused', problem: { type: 'body_timed_out' } });
    await expectNoTrace(fixture);
  });

  it('for a minute of silence, and not for an hour by which the clock was set forward', async () => {
    const time = new VirtualClock();
    let stepMs = 0;
    const clock = { now: () => time.now() + stepMs, after: time.after.bind(time) };
    const fixture = await intakeFixture({ concurrentUploads: 1, clock });
    const stream = openStream();
    const outcome = fixture.receive(stream);
    let isOver = false;
    void outcome.then(() => (isOver = true));
    stream.push(' '.repeat(LEAST_BYTES));
    await settled();
    stepMs = 3_600_000;
    await time.advance(IDLE_TIMEOUT_MS, settled);
    expect(isOver).toBe(false);
    await time.advance(IDLE_TIMEOUT_MS, settled);
    expect(await outcome).toEqual({ type: 'refused', problem: { type: 'body_timed_out' } });
  });

  it('when it trickles, never silent and never done', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const stream = openStream();
    const outcome = fixture.receive(stream);
    for (let seconds = 0; seconds <= 2 * IDLE_TIMEOUT_MS; seconds += 1_000) {
      stream.push(' ');
      await settled();
      await fixture.clock.advance(1_000, settled);
    }
    expect(await outcome).toEqual({ type: 'refused', problem: { type: 'body_timed_out' } });
    await expectNoTrace(fixture);
  });
});

describe('a body that breaks off leaves no trace', () => {
  it.each([
    ['is closed', (stream: Readable): unknown => stream.destroy()],
    ['fails', (stream: Readable): unknown => stream.destroy(new Error('ECONNRESET'))],
  ])('when the stream %s after blocks were written', async (_, end) => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const stream = openStream();
    const outcome = fixture.receive(stream);
    stream.push(Buffer.concat([small, Buffer.alloc(REQUEST_BLOCK_BYTES, ' ')]));
    await settled();
    end(stream);
    expect(await outcome).toEqual({ type: 'broken_off' });
    expect(fixture.control.created).toBe(1);
    await expectNoTrace(fixture);
  });

  it('when it is closed while the ring is full', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    fixture.control.holding = true;
    const stream = openStream();
    const outcome = fixture.receive(stream);
    stream.push(Buffer.alloc(8 * REQUEST_BLOCK_BYTES, ' '));
    await fixture.control.untilHeld(RING_BLOCKS);
    stream.destroy();
    await settled();
    fixture.control.release();
    expect(await outcome).toEqual({ type: 'broken_off' });
    await expectNoTrace(fixture);
  });

  it('when it was gone before it began', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const stream = openStream().destroy();
    expect(await fixture.receive(stream)).toEqual({ type: 'broken_off' });
    await expectNoTrace(fixture);
  });

  it('and an error of the stream after the outcome harms nobody', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const stream = openStream();
    const outcome = fixture.receive(stream);
    stream.push('}');
    await outcome;
    const closed = new Promise((resolve) => stream.on('close', resolve));
    stream.destroy(new Error('late'));
    await closed;
    await expectNoTrace(fixture);
  });
});

describe('a failing store leaves no trace', () => {
  const large = Buffer.concat([small, Buffer.alloc(3 * REQUEST_BLOCK_BYTES, ' ')]);

  it.each([
    ['create', 1],
    ['append', 1],
    ['append', 2],
    ['append', 4],
    ['commit', 1],
  ] as const)('when %s %i meets a full disk: the client is told', async (step, count) => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    fixture.control.failAt = (at, n) => {
      if (at === step && n === count) throw new SpoolFullError('no space left', { cause: new Error('ENOSPC') });
    };
    expect(await fixture.receive(streamOf(large, 65_536))).toEqual({
      type: 'refused',
      problem: { type: 'storage_full' },
    });
    await expectNoTrace(fixture);
  });

  it.each(['create', 'append', 'commit'] as const)('when %s fails otherwise: the caller hears it', async (step) => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const failure = new Error('EIO');
    fixture.control.failAt = (at) => {
      if (at === step) throw failure;
    };
    await expect(fixture.receive(streamOf(large, 65_536))).rejects.toBe(failure);
    await expectNoTrace(fixture);
  });

  it('when the catalog fails', async () => {
    const failure = new Error('database is locked');
    let fails = true;
    const { catalog } = await intakeFixture();
    const create: typeof catalog.batches.create = (batch, nowUs, limit) =>
      fails ? Promise.reject(failure) : catalog.batches.create(batch, nowUs, limit);
    const exists: typeof catalog.batches.exists = (id) => catalog.batches.exists(id);
    const fixture = await intakeFixture({ concurrentUploads: 1, catalog: { batches: { create, exists } } });
    await expect(fixture.receive(streamOf(small))).rejects.toBe(failure);
    fails = false;
    await expectNoTrace(fixture);
  });

  it('but not the log of a batch that was stored although its create failed', async () => {
    const failure = new Error('the answer was lost');
    const { catalog } = await intakeFixture();
    const create: typeof catalog.batches.create = async (batch, nowUs, limit) => {
      await catalog.batches.create(batch, nowUs, limit);
      throw failure;
    };
    const exists: typeof catalog.batches.exists = (id) => catalog.batches.exists(id);
    const fixture = await intakeFixture({ concurrentUploads: 1, catalog: { batches: { create, exists } } });
    await expect(fixture.receive(streamOf(small))).rejects.toBe(failure);
    const [id] = await fixture.spool.list();
    expect(id === undefined ? false : await catalog.batches.exists(id)).toBe(true);
  });
});

describe('uploads at once', () => {
  it('are bounded: who comes later waits unread, first come first served', async () => {
    const { receive } = await intakeFixture({ concurrentUploads: 1 });
    const streams = [openStream(), openStream(), openStream()] as const;
    const order: number[] = [];
    const outcomes = streams.map((stream, i) => receive(stream).finally(() => order.push(i)));
    for (const stream of streams.toReversed()) {
      stream.push(small);
      stream.push(null);
    }
    expect(streams.map((stream) => stream.readableFlowing)).toEqual([null, null, null]);
    await settled();
    expect((await Promise.all(outcomes)).map(words)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(order).toEqual([0, 1, 2]);
  });

  it('do not read, time or keep those that wait', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const first = openStream();
    const leaver = openStream();
    const patient = openStream();
    const outcomes = [fixture.receive(first), fixture.receive(leaver), fixture.receive(patient)] as const;
    patient.push(small);
    patient.push(null);
    for (let minutes = 0; minutes < 5; minutes++) {
      first.push(' '.repeat(LEAST_BYTES));
      await settled();
      await fixture.clock.advance(IDLE_TIMEOUT_MS - 1, settled);
    }
    expect([leaver.readableFlowing, patient.readableFlowing]).toEqual([null, null]);
    leaver.destroy();
    expect(await outcomes[1]).toEqual({ type: 'broken_off' });
    first.destroy();
    expect(await outcomes[0]).toEqual({ type: 'broken_off' });
    expect(words(await outcomes[2])).toBe('accepted');
  });

  it('do not mix', async () => {
    const { receive, spool } = await intakeFixture({ concurrentUploads: 3 });
    const sizes = [3, 500, 20, 77, 4, 1_000];
    const outcomes = await Promise.all(sizes.map((count, i) => receive(streamOf(bodyOf(count, 30 + i), 1_000 + i))));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.type !== 'accepted') throw new Error(words(outcome));
      const params = await storedParams(spool, outcome.batch.id);
      expect(params).toHaveLength(sizes[i] ?? NaN);
      expect(params.every((text) => text === `{"t":"${'x'.repeat(22 + i)}"}`)).toBe(true);
    }
  });
});

describe('over HTTP and onto disk', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  });

  async function serve(fixture: IntakeFixture, outcomes: ((outcome: IntakeOutcome) => void)[]): Promise<number> {
    const server: Server = createServer((message, response) => {
      void fixture.receive(message).then((outcome) => {
        response.end(words(outcome));
        outcomes.shift()?.(outcome);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  }

  async function onDisk(): Promise<{ fixture: IntakeFixture; folder: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'batchwright-intake-'));
    cleanUps.push(() => rm(folder, { recursive: true }));
    const spool = openFileSpool(folder);
    cleanUps.push(() => spool.close());
    return { fixture: { ...(await intakeFixture({ spool, randomBytes })), spool }, folder };
  }

  it('the body lies in the batch directory byte for byte', async () => {
    const { fixture, folder } = await onDisk();
    const outcome = new Promise<IntakeOutcome>((resolve) => void serve(fixture, [resolve]).then(send));
    const body = bodyOf(9_000, 2_500);
    function send(port: number): void {
      request({ port, method: 'POST', host: '127.0.0.1', agent: false })
        .on('response', (r) => r.resume())
        .end(body);
    }
    const accepted = await outcome;
    if (accepted.type !== 'accepted') throw new Error(words(accepted));
    const files = await readdir(folder, { recursive: true });
    const stored = files.filter((name) => name.endsWith('body'));
    expect(stored).toHaveLength(1);
    expect(sha256(await readFile(join(folder, stored[0] ?? '')))).toBe(sha256(body));
    expect(await storedParams(fixture.spool, accepted.batch.id)).toHaveLength(9_000);
  });

  it('a client that goes away in the middle leaves nothing', async () => {
    const { fixture, folder } = await onDisk();
    const outcome = new Promise<IntakeOutcome>((resolve) => void serve(fixture, [resolve]).then(send));
    function send(port: number): void {
      const call = request({ port, method: 'POST', host: '127.0.0.1', agent: false });
      call.on('error', () => undefined);
      call.write(bodyOf(3_000, 2_500), () => call.destroy());
    }
    expect(await outcome).toEqual({ type: 'broken_off' });
    const left = await readdir(folder, { recursive: true });
    expect(left.filter((name) => name.includes('msgbatch_'))).toEqual([]);
  });
});
