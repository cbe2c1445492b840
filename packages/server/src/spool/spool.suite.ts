import { RESULT_TYPES, type BatchId } from '@batchwright/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chunkOf, resultLine, store, submission, textOf } from './spool.fixture.ts';
import { REQUEST_BLOCK_BYTES, type ResultLog, type Spool } from './spool.ts';

/** A spool under test, and the same store as a later process would find it, where there is such a thing. */
export interface OpenSpool {
  readonly spool: Spool;
  reopen?(): Promise<Spool>;
  close(): Promise<void>;
}

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const OTHER = 'msgbatch_01bbbbbbbbbbbbbbbbbbbbbb' as BatchId;

const textOfParams = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('latin1'));
const settledOf = ({ settled }: ResultLog) =>
  [...settled.requests].map((request, i) => [request, RESULT_TYPES[settled.types[i] ?? 99]]);

/** What every spool does, whatever it is made of. */
export function spoolSuite(name: string, open: () => Promise<OpenSpool>): void {
  describe(name, () => {
    let opened: OpenSpool;
    let spool: Spool;
    beforeEach(async () => {
      opened = await open();
      spool = opened.spool;
    });
    afterEach(() => opened.close());

    const three = submission(['{"model":"a"}', '{"model":"bb"}', '[]']);
    const later = async () => (await opened.reopen?.()) ?? spool;

    describe('requests', () => {
      test('come back byte for byte, with the index as it was given', async () => {
        await store(spool, BATCH, three);
        const log = await (await later()).openRequestLog(BATCH);
        expect(log.index.count).toBe(3);
        expect([...log.index.paramsOffset]).toEqual([...three.index.paramsOffset]);
        expect([...log.index.paramsBytes]).toEqual([...three.index.paramsBytes]);
        expect([...log.index.customIds.lengths]).toEqual([3, 3, 3]);
        expect([...log.index.traits]).toEqual([...three.index.traits]);
        expect(Buffer.from(log.index.customIds.bytes).toString()).toBe('r-0r-1r-2');
        for (const [i, params] of three.params.entries()) expect(textOfParams(await log.readParams(i))).toBe(params);
        await log.close();
      });

      test('of several blocks survive appends that are in flight together', async () => {
        const large = submission(['x', 'y', 'z'].map((letter) => `"${letter.repeat(0.9 * REQUEST_BLOCK_BYTES)}"`));
        expect(large.body.length).toBeGreaterThan(2 * REQUEST_BLOCK_BYTES);
        await store(spool, BATCH, large);
        const log = await spool.openRequestLog(BATCH);
        for (const [i, params] of large.params.entries()) {
          expect(textOfParams(await log.readParams(i)) === params).toBe(true);
        }
        await log.close();
      });

      test('can be read in parts, wherever they begin', async () => {
        await store(spool, BATCH, three);
        const log = await (await later()).openRequestLog(BATCH);
        const target = new Uint8Array(5);
        expect(await log.readBody(target, log.index.paramsOffset[1] ?? 0)).toBe(5);
        expect(Buffer.from(target).toString()).toBe('{"mod');
        expect(await log.readBody(target, three.body.length - 2)).toBe(2);
        expect(await log.readBody(target, three.body.length)).toBe(0);
        await log.close();
      });

      test('whose body is exactly one block long are whole', async () => {
        const empty = submission(['""']).body.length;
        const exact = submission([`"${'x'.repeat(REQUEST_BLOCK_BYTES - empty)}"`]);
        expect(exact.body.length).toBe(REQUEST_BLOCK_BYTES);
        await store(spool, BATCH, exact);
        const log = await spool.openRequestLog(BATCH);
        expect(textOfParams(await log.readParams(0)) === exact.params[0]).toBe(true);
        await log.close();
      });

      test('stay unchanged in the hands of their reader while others are read', async () => {
        const many = submission(Array.from({ length: 40 }, (_, i) => `"${String(i).padStart(200_000, '.')}"`));
        await store(spool, BATCH, many);
        const log = await spool.openRequestLog(BATCH);
        const held = [];
        for (let i = 0; i < 40; i++) held.push(await log.readParams(i));
        for (const [i, bytes] of held.entries()) expect(textOfParams(bytes) === many.params[i]).toBe(true);
        await log.close();
      });

      test('are at hand without waiting, most of them, for a reader that goes forward', async () => {
        const many = submission(Array.from({ length: 500 }, (_, i) => `"${String(i).padStart(5000, '.')}"`));
        await store(spool, BATCH, many);
        const log = await spool.openRequestLog(BATCH);
        let waited = 0;
        for (let i = 0; i < 500; i++) {
          const bytes = log.peekParams(i) ?? (waited++, await log.readParams(i));
          expect(textOfParams(bytes) === many.params[i]).toBe(true);
        }
        expect(waited).toBeLessThan(10);
        await log.close();
      });

      test('are the same in any order and all at once', async () => {
        const many = submission(Array.from({ length: 300 }, (_, i) => `"${String(i).padStart(7000, '.')}"`));
        await store(spool, BATCH, many);
        const log = await spool.openRequestLog(BATCH);
        const order = many.params.map((_, i) => (i * 7) % 300);
        const read = await Promise.all(order.map((i) => log.readParams(i)));
        for (const [at, i] of order.entries()) expect(textOfParams(read[at] ?? null) === many.params[i]).toBe(true);
        await log.close();
      });

      test('are a copy: the memory of a block is the caller’s again once its append resolved', async () => {
        const block = Buffer.from(three.body);
        const writer = await spool.createRequestLog(BATCH);
        await writer.append(block);
        block.fill('!');
        await writer.commit(three.index);
        const log = await spool.openRequestLog(BATCH);
        expect(textOfParams(await log.readParams(1))).toBe('{"model":"bb"}');
        await log.close();
      });

      test('keep their plan, and have none when none was given', async () => {
        const plan = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
        const writer = await spool.createRequestLog(BATCH);
        await writer.append(Buffer.from(three.body));
        await writer.commit(three.index, plan);
        await store(spool, OTHER, three);
        const reopened = await later();
        const logs = [await reopened.openRequestLog(BATCH), await reopened.openRequestLog(OTHER)];
        expect(logs.map((log) => log.plan)).toEqual([plan, null]);
        await Promise.all(logs.map((log) => log.close()));
      });

      test('cannot be created twice under one id', async () => {
        await store(spool, BATCH, three);
        await expect(spool.createRequestLog(BATCH)).rejects.toThrow();
        const log = await spool.openRequestLog(BATCH);
        expect(log.index.count).toBe(3);
        await log.close();
      });

      test('that were never committed cannot be opened, but are listed for removal', async () => {
        const writer = await spool.createRequestLog(BATCH);
        await writer.append(three.body);
        expect(await spool.list()).toEqual([BATCH]);
        await expect(spool.openRequestLog(BATCH)).rejects.toThrow();
        await writer.discard();
      });

      test('that are discarded leave no trace, before and after their commit', async () => {
        const first = await spool.createRequestLog(BATCH);
        await first.append(three.body);
        await first.discard();
        expect(await spool.list()).toEqual([]);
        const second = await spool.createRequestLog(BATCH);
        await second.append(three.body);
        await second.commit(three.index);
        await second.discard();
        expect(await spool.list()).toEqual([]);
        await expect(spool.openRequestLog(BATCH)).rejects.toThrow();
      });

      test('refuse a block after one that was not full', async () => {
        const writer = await spool.createRequestLog(BATCH);
        await writer.append(new Uint8Array(10));
        await expect((async () => writer.append(new Uint8Array(10)))()).rejects.toThrow(/only the last/);
        await writer.discard();
      });

      test.each(['../../etc', 'msgbatch_', 'msgbatch_a/b', 'msgbatch_..', 'wrkspc_01a', 'msgbatch_a\0', ''])(
        'never reach a path under the id %j',
        async (id) => {
          await expect(spool.createRequestLog(id as BatchId)).rejects.toThrow(/not a batch id/);
          await expect(spool.openRequestLog(id as BatchId)).rejects.toThrow(/not a batch id/);
          await expect(spool.openResultLog(id as BatchId, 0, 1)).rejects.toThrow(/not a batch id/);
          await expect(spool.readResults(id as BatchId)).rejects.toThrow(/not a batch id/);
          await expect(spool.remove(id as BatchId)).rejects.toThrow(/not a batch id/);
        },
      );
    });

    describe('results', () => {
      test('are served exactly as they were written, in the order of their commits', async () => {
        await store(spool, BATCH, three);
        const log = await spool.openResultLog(BATCH, 0, 1);
        expect(settledOf(log)).toEqual([]);
        expect(await log.commit(chunkOf([{ request: 2, type: 'succeeded', text: 'née 🙂' }]))).toBe('written');
        expect(
          await log.commit(
            chunkOf([
              { request: 0, type: 'errored' },
              { request: 1, type: 'expired' },
            ]),
          ),
        ).toBe('written');
        await log.close();
        expect(await textOf(await (await later()).readResults(BATCH))).toBe(
          resultLine('r-2', 'succeeded', 'née 🙂') + resultLine('r-0', 'errored') + resultLine('r-1', 'expired'),
        );
      });

      test('are a copy: the memory of the lines is the caller’s again once the commit resolved', async () => {
        await store(spool, BATCH, three);
        const log = await spool.openResultLog(BATCH, 0, 1);
        const { lines, rows } = chunkOf([{ request: 0, type: 'succeeded' }]);
        const own = Buffer.from(lines);
        await log.commit({ lines: own, rows });
        own.fill('!');
        await log.close();
        expect(await textOf(await spool.readResults(BATCH))).toBe(resultLine('r-0', 'succeeded'));
      });

      test('are found again by the next owner, each with its type', async () => {
        await store(spool, BATCH, submission(['1', '2', '3', '4', '5']));
        const log = await spool.openResultLog(BATCH, 0, 1);
        const types = ['succeeded', 'errored', 'canceled', 'expired'] as const;
        await log.commit(chunkOf(types.map((type, i) => ({ request: 4 - i, type }))));
        await log.close();
        const next = await (await later()).openResultLog(BATCH, 0, 2);
        expect(settledOf(next)).toEqual(types.map((type, i) => [4 - i, type]));
        expect(await next.commit(chunkOf([{ request: 0, type: 'succeeded' }]))).toBe('written');
        await next.close();
      });

      test('of an owner whom another has followed are refused, and nothing is written', async () => {
        await store(spool, BATCH, three);
        const former = await spool.openResultLog(BATCH, 0, 1);
        await former.commit(chunkOf([{ request: 0, type: 'succeeded' }]));
        const owner = await spool.openResultLog(BATCH, 0, 2);
        expect(await former.commit(chunkOf([{ request: 1, type: 'errored' }]))).toBe('lost');
        expect(await owner.commit(chunkOf([{ request: 1, type: 'succeeded' }]))).toBe('written');
        await former.close();
        expect(await owner.commit(chunkOf([{ request: 2, type: 'succeeded' }]))).toBe('written');
        await owner.close();
        expect(await textOf(await spool.readResults(BATCH))).toBe(
          ['r-0', 'r-1', 'r-2'].map((id) => resultLine(id, 'succeeded')).join(''),
        );
      });

      test('of an owner who comes after a newer epoch opened are refused', async () => {
        await store(spool, BATCH, three);
        const owner = await spool.openResultLog(BATCH, 0, 5);
        const late = await spool.openResultLog(BATCH, 0, 4);
        expect(await late.commit(chunkOf([{ request: 1, type: 'errored' }]))).toBe('lost');
        expect(await owner.commit(chunkOf([{ request: 1, type: 'succeeded' }]))).toBe('written');
        await late.close();
        await owner.close();
      });

      test('know only owners that hold the log: a closed one is forgotten, with its epoch', async () => {
        await store(spool, BATCH, three);
        await (await spool.openResultLog(BATCH, 0, 5)).close();
        const next = await spool.openResultLog(BATCH, 0, 4);
        expect(await next.commit(chunkOf([{ request: 1, type: 'errored' }]))).toBe('written');
        await next.close();
      });

      test('that settle a request twice are a mistake, and nothing is written', async () => {
        await store(spool, BATCH, three);
        const log = await spool.openResultLog(BATCH, 0, 1);
        await log.commit(chunkOf([{ request: 1, type: 'succeeded' }]));
        const twice = chunkOf([
          { request: 0, type: 'succeeded' },
          { request: 1, type: 'errored' },
        ]);
        await expect(log.commit(twice)).rejects.toThrow(/settled already/);
        expect(await log.commit(chunkOf([{ request: 0, type: 'succeeded' }]))).toBe('written');
        await log.close();
        expect(await textOf(await spool.readResults(BATCH))).toBe(
          resultLine('r-1', 'succeeded') + resultLine('r-0', 'succeeded'),
        );
      });

      test('whose rows and lines disagree are a mistake', async () => {
        await store(spool, BATCH, three);
        const log = await spool.openResultLog(BATCH, 0, 1);
        const { lines, rows } = chunkOf([{ request: 0, type: 'succeeded' }]);
        await expect(log.commit({ lines: lines.subarray(0, -1), rows })).rejects.toThrow(/whole line/);
        await expect(log.commit({ lines, rows: [] })).rejects.toThrow(/bytes of lines/);
        await expect(log.commit(chunkOf([{ request: 3, type: 'succeeded' }]))).rejects.toThrow(/no request 3/);
        await log.close();
      });

      test('are null before anybody opened them, and empty before the first commit', async () => {
        await store(spool, BATCH, three);
        expect(await spool.readResults(BATCH)).toBe(null);
        expect(await spool.readResults(OTHER)).toBe(null);
        const log = await spool.openResultLog(BATCH, 0, 1);
        expect(await textOf(await spool.readResults(BATCH))).toBe('');
        await log.close();
      });

      test('can be read from any position, and end where they ended when the reader opened', async () => {
        await store(spool, BATCH, three);
        const log = await spool.openResultLog(BATCH, 0, 1);
        await log.commit(chunkOf([{ request: 0, type: 'succeeded' }]));
        const reader = await spool.readResults(BATCH);
        await log.commit(chunkOf([{ request: 1, type: 'succeeded' }]));
        const line = resultLine('r-0', 'succeeded');
        const target = new Uint8Array(1000);
        expect(reader?.bytes).toBe(line.length);
        expect(await reader?.read(target, 5)).toBe(line.length - 5);
        expect(
          Buffer.from(target)
            .subarray(0, line.length - 5)
            .toString(),
        ).toBe(line.slice(5));
        expect(await reader?.read(target.subarray(0, 3), 0)).toBe(3);
        expect(await reader?.read(target, line.length)).toBe(0);
        expect(await reader?.read(target, line.length + 10)).toBe(0);
        await reader?.close();
        await log.close();
      });

      test('so far are readable while their log is open, and after it was closed', async () => {
        await store(spool, BATCH, three);
        expect(await spool.readDurableResults(BATCH)).toBe(null);
        const log = await spool.openResultLog(BATCH, 0, 1);
        expect(await textOf(await spool.readDurableResults(BATCH))).toBe('');
        await log.commit(chunkOf([{ request: 2, type: 'succeeded' }]));
        expect(await textOf(await spool.readDurableResults(BATCH))).toBe(resultLine('r-2', 'succeeded'));
        await log.commit(chunkOf([{ request: 0, type: 'expired' }]));
        await log.close();
        const first = resultLine('r-2', 'succeeded');
        // What the last commit wrote is certain only to whoever recovers the log: less may be shown, never more.
        expect([first, first + resultLine('r-0', 'expired')]).toContain(
          await textOf(await (await later()).readDurableResults(BATCH)),
        );
      });

      test('tell which line settles which request, as far as they are asked for', async () => {
        await store(spool, BATCH, three);
        expect((await spool.settledLines(BATCH, 0)).requests).toHaveLength(0);
        const log = await spool.openResultLog(BATCH, 0, 1);
        await log.commit(chunkOf([{ request: 2, type: 'succeeded', text: 'née' }]));
        await log.commit(
          chunkOf([
            { request: 0, type: 'errored' },
            { request: 1, type: 'canceled' },
          ]),
        );
        await log.close();
        const lines = [
          resultLine('r-2', 'succeeded', 'née'),
          resultLine('r-0', 'errored'),
          resultLine('r-1', 'canceled'),
        ].map((line) => Buffer.byteLength(line));
        const [first = 0, second = 0, third = 0] = lines;
        const told = async (bytes: number) => {
          const settled = await (await later()).settledLines(BATCH, bytes);
          return [...settled.requests].map((request, i) => [
            request,
            RESULT_TYPES[settled.types[i] ?? 99],
            settled.lineBytes[i],
          ]);
        };
        const all = [
          [2, 'succeeded', first],
          [0, 'errored', second],
          [1, 'canceled', third],
        ];
        expect(await told(first + second + third)).toEqual(all);
        expect(await told(first + second + third - 1)).toEqual(all.slice(0, 2));
        expect(await told(0)).toEqual([]);
      });

      test('of a batch that is not there cannot be opened for appending', async () => {
        await expect(spool.openResultLog(BATCH, 0, 1)).rejects.toThrow();
        expect(await spool.list()).toEqual([]);
      });
    });

    describe('removal', () => {
      test('takes the whole batch and no other, and may come twice', async () => {
        await store(spool, BATCH, three);
        await store(spool, OTHER, three);
        const log = await spool.openResultLog(BATCH, 0, 1);
        await log.commit(chunkOf([{ request: 0, type: 'succeeded' }]));
        await log.close();
        await spool.remove(BATCH);
        await spool.remove(BATCH);
        expect(await spool.list()).toEqual([OTHER]);
        expect(await spool.readResults(BATCH)).toBe(null);
        await expect(spool.openRequestLog(BATCH)).rejects.toThrow();
        const other = await spool.openRequestLog(OTHER);
        expect(textOfParams(await other.readParams(1))).toBe('{"model":"bb"}');
        await other.close();
      });
    });
  });
}
