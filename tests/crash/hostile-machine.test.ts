import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BATCHES, expectError, list, results, retrieve } from '../harness/batches.ts';
import { bodyOf, createBatch, expectWhole, untilEnded } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream, type UpstreamAnswer } from './counting-upstream.ts';
import { canMisbehave, hostileMachine, type HostileMachine } from './hostile-machine.ts';
import { openHome, until, type Home, type ServerProcess } from './server-process.ts';

/** A clock that is set, a disk that is slow, read-only or broken, under a server that runs. */
const HOUR_MS = 3_600_000;

describe.runIf(canMisbehave())('on a machine that misbehaves (needs a C compiler)', () => {
  let machine: HostileMachine;
  let home: Home;
  let upstream: CountingUpstream;
  let answer: (id: string, before: number) => UpstreamAnswer;
  beforeEach(async () => {
    machine = hostileMachine() as HostileMachine;
    home = await openHome({ env: machine.env });
    answer = () => ({});
    upstream = await startCountingUpstream((id, before) => answer(id, before));
  });
  afterEach(async () => {
    await home.close();
    await upstream.close();
    machine.remove();
  });

  const start = (): Promise<ServerProcess> => home.start(['--upstream', upstream.url, '--concurrency', '8']);

  describe('a clock that is set', () => {
    it('back by a day holds up no retry', async () => {
      const server = await start();
      answer = (_, before) => ({ failure: before === 0 ? 500 : null });
      const batch = await createBatch(server, 'item', 20);
      await until('requests were refused', () => upstream.calls.length >= 8);
      machine.stepClock(-24 * HOUR_MS);
      await expectWhole(server, upstream, batch, 'item', 3);
    });

    it('forward and back again leaves the list in the order of creation, and every batch whole', async () => {
      const server = await start();
      const ids: string[] = [];
      for (const stepMs of [0, 3 * HOUR_MS, -2 * HOUR_MS, -4 * HOUR_MS, 3 * HOUR_MS]) {
        machine.stepClock(stepMs);
        const batch = await createBatch(server, `at${ids.length}`, 30);
        ids.unshift(batch.id);
        await expectWhole(server, upstream, batch, `at${ids.length - 1}`, 1);
      }
      expect((await list(server.client)).data.map((batch) => batch.id)).toEqual(ids);
    });

    it('forward by more than a batch lives expires at the next start what is left, and each request has one row', async () => {
      const first = await start();
      answer = (id) => ({ after: id.endsWith('7') ? new Promise(() => undefined) : 0 });
      const batch = await createBatch(first, 'item', 20);
      await until('the others are answered', () => upstream.answeredCount === 18);
      await first.kill();
      machine.stepClock(25 * HOUR_MS);
      const second = await start();
      await untilEnded(second, batch);
      const rows = await results(second.client, batch.id);
      expect(rows.map((row) => row.custom_id).toSorted()).toEqual(
        bodyOf('item', 20)
          .requests.map((item) => item.custom_id)
          .toSorted(),
      );
      expect(rows.filter((row) => row.custom_id.endsWith('7')).map((row) => row.result.type)).toEqual([
        'expired',
        'expired',
      ]);
    });
  });

  describe('a disk', () => {
    it('whose every sync takes 50 ms slows nothing but what waits for it, and is asked seldom', async () => {
      const server = await start();
      machine.delaySyncs(50);
      const before = machine.syncs;
      const batch = await createBatch(server, 'item', 1000);
      let answered = 0;
      await until('the batch has ended', async () => {
        answered++;
        return (await retrieve(server.client, batch.id)).processing_status === 'ended';
      });
      await expectWhole(server, upstream, batch, 'item', 1);
      // A commit is two, a step in the life of a batch one; one for each result would be a thousand.
      expect(machine.syncs - before).toBeLessThan(250);
      expect(answered).toBeGreaterThan(10);
    });

    it('that became read-only lets the server stop in order, and the next start loses nothing', async () => {
      const server = await start();
      const batch = await createBatch(server, 'item', 100);
      await until('answers come', () => upstream.answeredCount > 0);
      machine.failWrites('EROFS');
      server.signal('SIGTERM');
      expect(await server.ended, server.err()).toBe(0);
      machine.failWrites(null);
      await expectWhole(await start(), upstream, batch, 'item', 2);
    });

    it.each(['EROFS', 'EDQUOT'] as const)(
      'that fails writes with %s refuses batches, says why, and loses no answer',
      async (code) => {
        const server = await start();
        const batch = await createBatch(server, 'item', 100);
        await until('answers come', () => upstream.answeredCount > 0);
        machine.failWrites(code);
        const refused = await server.client.post(BATCHES, bodyOf('refused', 3));
        expect(expectError(refused, 500, 'api_error').error.message).toMatch(/disk/);
        const cancel = await server.client.post(`${BATCHES}/${batch.id}/cancel`);
        if (cancel.status !== 200) expect(expectError(cancel, 500, 'api_error').error.message).toMatch(/disk/);
        expect((await retrieve(server.client, batch.id)).cancel_initiated_at).toBeNull();
        machine.failWrites(null);
        await expectWhole(server, upstream, batch, 'item', 1);
        expect(await home.storedBatches()).toEqual([batch.id]);
        await expectWhole(server, upstream, await createBatch(server, 'after', 3), 'after', 1);
      },
    );
  });
});
