import { microsecondsFromMs, type BatchId } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { addBilledBatch } from './billed-batch.fixture.ts';
import { EventReader, openEvents } from './event-reader.fixture.ts';
import { ask, startRoom, type TestRoom } from './http.fixture.ts';
import { requestTaking, startWholeServer } from './whole-server.fixture.ts';

/** Lets a running batch of the room have this many settled of a thousand, and tells of it. */
function settle(room: TestRoom, id: BatchId, settled: number): void {
  const running = room.running.get(id)!;
  room.running.set(id, { ...running, states: { ...running.states, pending: 1000 - settled, settled } });
  room.changes.tell(id, 'moved');
}

const settledIn = (data: Record<string, unknown> | undefined) =>
  (data?.['progress'] as { settled: number } | undefined)?.settled;

/** Resolves once the room's streams have nothing to do but to wait for time or news. */
async function untilResting(room: TestRoom, streams = 1): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
  while (room.pace.pendingCount !== streams) await new Promise(setImmediate);
}

async function end(room: TestRoom, id: BatchId): Promise<void> {
  const nowUs = microsecondsFromMs(room.clock.now());
  // The lease of the fixture ran out.
  await room.clock.advance(10_000);
  const [lease] = await room.catalog.shards.claim('other', microsecondsFromMs(room.clock.now()), 1000, 1, id);
  if (lease === undefined) throw new Error('nothing to claim');
  await room.catalog.shards.end(
    lease,
    { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 0 },
    nowUs,
    room.running.get(id)?.ledger,
  );
  room.running.delete(id);
  room.changes.tell(id, 'ended');
}

describe('the events of a batch', () => {
  it('begin at once with how it stands, as the details have it', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    expect(events.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const first = await events.next();
    const { body } = await ask(room, { path: `/ext/v1/batches/${id}` });
    const batch = body['batch'] as Record<string, unknown>;
    const ledger = body['ledger'] as Record<string, unknown>;
    expect(first).toEqual({
      event: 'progress',
      id: 1,
      data: {
        type: 'batch_progress',
        id,
        processing_status: 'in_progress',
        request_counts: batch['request_counts'],
        progress: body['progress'],
        ledger: {
          requests: 1,
          unpriced_requests: 0,
          tokens: ledger['tokens'],
          cost_usd: ledger['cost_usd'],
          nano_usd: ledger['nano_usd'],
        },
      },
    });
    expect(first?.data).not.toMatchObject({ progress: { eta: null } });
    events.close();
  });

  it('come at most once a second, each with the latest state', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    await events.next();
    for (let second = 1; second <= 3; second++) {
      await untilResting(room);
      for (let i = 0; i < 100; i++) settle(room, id, second * 100 + i);
      await room.pace.advance(999);
      settle(room, id, second * 100 + 100);
      await room.pace.advance(1);
      expect(await events.next()).toMatchObject({ event: 'progress', id: second + 1 });
      await untilResting(room);
    }
    settle(room, id, 999);
    await room.pace.advance(1000);
    expect(settledIn((await events.next())?.data)).toBe(999);
    events.close();
  });

  it('do not come when nothing changed, though time passes and somebody says so', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    await events.next();
    for (let second = 0; second < 5; second++) {
      await untilResting(room);
      room.changes.tell(id, 'moved');
      await room.clock.advance(1000);
      await room.pace.advance(1000);
    }
    await untilResting(room);
    settle(room, id, 7);
    await room.pace.advance(1000);
    expect(await events.next()).toMatchObject({ id: 2, data: { progress: { settled: 7 } } });
    events.close();
  });

  it('tell of requests that were sent, of which nobody else does', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    await events.next();
    await untilResting(room);
    const running = room.running.get(id)!;
    room.running.set(id, { ...running, states: { ...running.states, dispatched: 32 } });
    await room.pace.advance(1000);
    await untilResting(room);
    await room.pace.advance(1000);
    expect((await events.next())?.data).toMatchObject({ progress: { in_flight: 32 } });
    events.close();
  });

  it('close with the final state and the batch, without waiting for the second to pass', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    await events.next();
    await untilResting(room);
    await end(room, id);
    expect(await events.next()).toMatchObject({
      event: 'progress',
      data: { processing_status: 'ended', request_counts: { processing: 0, succeeded: 1, errored: 1 } },
    });
    const { body } = await ask(room, { path: `/v1/messages/batches/${id}` });
    expect(await events.next()).toEqual({ event: 'ended', id: 3, data: body });
    expect(await events.next()).toBeNull();
    expect(room.pace.pendingCount).toBe(0);
  });

  it('of a batch that has ended are its end', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended');
    const events = await openEvents(room, id, { 'last-event-id': '41' });
    expect(await events.next()).toMatchObject({ event: 'progress', id: 42, data: { ledger: { requests: 1 } } });
    expect(await events.next()).toMatchObject({ event: 'ended', id: 43, data: { id, processing_status: 'ended' } });
    expect(await events.next()).toBeNull();
  });

  it('keep the connection alive every fifteen seconds in which nothing happens', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    await events.next();
    for (let second = 0; second < 32; second++) {
      await untilResting(room);
      await room.pace.advance(1000);
    }
    expect([await events.piece(), await events.piece()]).toEqual([': keep-alive', ': keep-alive']);
    settle(room, id, 5);
    await untilResting(room);
    await room.pace.advance(1000);
    expect(settledIn((await events.next())?.data)).toBe(5);
    events.close();
  });

  it('end when the server closes, and do not hold it up', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const events = await openEvents(room, id);
    await events.next();
    await untilResting(room);
    await room.server.close(60_000);
    expect(await events.next()).toBeNull();
  });

  it('are refused where too many listen, until one goes', async () => {
    const room = await startRoom({ settings: { maxWatches: 2 } });
    const { id } = await addBilledBatch(room, 'in_progress');
    const [one, other] = await Promise.all([openEvents(room, id), openEvents(room, id)]);
    await Promise.all([one, other].map((events) => events?.next()));
    const refused = await ask(room, { path: `/ext/v1/batches/${id}/events` });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    expect(refused.body).toMatchObject({ error: { type: 'rate_limit_error' } });
    await untilResting(room, 2);
    one?.close();
    await untilResting(room, 1);
    const third = await openEvents(room, id);
    expect(await third.next()).toMatchObject({ event: 'progress' });
    third.close();
    other?.close();
  });

  it('HEAD tells that there are some', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const head = await ask(room, { method: 'HEAD', path: `/ext/v1/batches/${id}/events` });
    expect([head.status, head.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(room.pace.pendingCount).toBe(0);
  });

  it('follow a real batch from its first request to its end', async () => {
    const server = await startWholeServer();
    const id = await server.create(Array.from({ length: 5 }, (_, i) => requestTaking(`r-${i}`, 1000 * (i + 1))));
    const events = new EventReader(await server.open({ path: `/ext/v1/batches/${id}/events` }));
    expect((await events.next())?.data).toMatchObject({ processing_status: 'in_progress', progress: { settled: 0 } });
    await server.advance(3600_000);
    const heard = [];
    for (let event = await events.next(); event !== null; event = await events.next()) heard.push(event);
    expect(heard.map(({ event }) => event).slice(-2)).toEqual(['progress', 'ended']);
    expect(heard.at(-2)?.data).toMatchObject({ request_counts: { succeeded: 5 }, ledger: { requests: 5 } });
    expect(heard.at(-1)?.data).toMatchObject({ id, type: 'message_batch', processing_status: 'ended' });
    const ids = heard.map((event) => event.id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });
});
