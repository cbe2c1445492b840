import { describe, expect, it } from 'vitest';
import { addBilledBatch } from './billed-batch.fixture.ts';
import { ask, startRoom, type TestRoom } from './http.fixture.ts';

const change = (room: TestRoom, id: string, body: string, key?: string) =>
  ask(room, {
    method: 'POST',
    path: `/ext/v1/batches/${id}/budget`,
    body,
    headers: { 'content-type': 'application/json' },
    ...(key === undefined ? {} : { key }),
  });
const budgetOf = async (room: TestRoom, id: string) =>
  (await ask(room, { path: `/ext/v1/batches/${id}` })).body['budget'];

describe('the budget of a batch', () => {
  it('is null for a batch without one', async () => {
    const room = await startRoom();
    expect(await budgetOf(room, (await addBilledBatch(room, 'in_progress')).id)).toBeNull();
  });

  it('is set, changed and lifted, and the scheduler told', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const spent = { spent_usd: '0.002085', reserved_usd: '0.00', state: 'open', unpriced_requests: 0 };
    const answer = await change(room, id, '{"usd":"12.5"}');
    expect(answer.body).toEqual({ id, type: 'batch_budget', budget: { usd: '12.50', ...spent } });
    expect((await change(room, id, '{"usd":20}')).body['budget']).toMatchObject({ usd: '20.00' });
    expect(await budgetOf(room, id)).toEqual({ usd: '20.00', ...spent });
    expect((await change(room, id, '{"usd":null}')).body['budget']).toBeNull();
    expect(room.told).toEqual([`budget ${id}`, `budget ${id}`, `budget ${id}`]);
  });

  it('shows what is reserved, and that nothing more fits', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    await change(room, id, '{"usd":1}');
    const budget = { reservedNanoUsd: 1_500_000, isExhausted: true };
    room.running.set(id, { ...room.running.get(id)!, budget });
    expect(await budgetOf(room, id)).toMatchObject({ reserved_usd: '0.0015', state: 'exhausted' });
  });

  it('is exhausted at once when it is lowered to what is spent, and no end is foretold', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const running = room.running.get(id)!;
    room.running.set(id, { ...running, states: { ...running.states, pending: 1 } });
    const progress = async () => (await ask(room, { path: `/ext/v1/batches/${id}` })).body['progress'];
    const lowered = (await change(room, id, '{"usd":"0.002085"}')).body['budget'];
    expect(lowered).toMatchObject({ spent_usd: '0.002085', state: 'exhausted' });
    expect(await progress()).toMatchObject({ pending: 1, eta: null });
    expect((await change(room, id, '{"usd":"0.002086"}')).body['budget']).toMatchObject({ state: 'open' });
    expect(await progress()).toMatchObject({ eta: expect.any(String) });
  });

  it('of a batch that ended stays as it is, and nobody is told', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended');
    expect((await change(room, id, '{"usd":1}')).body).toMatchObject({ id, budget: null });
    expect(room.told).toEqual([]);
  });

  it.each(['', '[]', 'null', '{', '{}', '{"usd":0}', '{"usd":"-1"}', '{"usd":"1.0000000001"}', '{"usd":1,"eur":1}'])(
    'is not %s',
    async (body) => {
      const room = await startRoom();
      const { id } = await addBilledBatch(room, 'in_progress');
      const answer = await change(room, id, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: { type: 'invalid_request_error' } });
      expect(await budgetOf(room, id)).toBeNull();
      expect(room.told).toEqual([]);
    },
  );

  it('takes no body that is longer than any amount', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    expect((await change(room, id, `{"usd":1${' '.repeat(20_000)}}`)).status).toBe(413);
  });

  it('is nobody else’s to change', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    expect((await change(room, id, '{"usd":1}', room.keys.k2)).status).toBe(404);
    expect(await budgetOf(room, id)).toBeNull();
  });
});
