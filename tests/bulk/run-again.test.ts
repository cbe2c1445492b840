import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../crash/server-process.ts';
import { openBulkHome, type BulkHome, type JsonRecord, type TestApi } from './bulk-home.ts';
import { idsOf, requestLines } from './bulk-requests.ts';

/** A run that is asked for again when it is over, or otherwise than it was begun. */
let home: BulkHome;
beforeEach(async () => {
  home = await openBulkHome();
  await home.write('in.jsonl', requestLines('r', 6));
});
afterEach(() => home.close());

const RUN = ['run', 'in.jsonl', '-o', 'out.jsonl'];

/** Six requests, of which two are refused. */
async function withFailures(): Promise<TestApi> {
  const api = await home.startSimulator();
  await api.addFaults(
    ...['r-0001', 'r-0004'].map((id) => ({ kind: 'bad_request', match: { text: `Say ${id}.` } as JsonRecord })),
  );
  const { code, err } = await home.run(RUN, { env: api.env });
  expect(code, err).toBe(1);
  return api;
}

const outcomes = async (): Promise<readonly string[]> =>
  (await home.results('out.jsonl')).map(({ result }) => result.type).toSorted();

describe('a finished run with failures', () => {
  const SAYS =
    /^batchwright: Finished at \S+Z: 4 of 6 succeeded, 2 failed\. --retry-failed tries those again; --restart runs all of it anew\.\n$/;

  it('still has them when it is asked for again', async () => {
    const api = await withFailures();
    for (const more of [[], ['--quiet']]) {
      const again = await home.run([...RUN, ...more], { env: api.env });
      expect([again.code, again.err]).toEqual([1, expect.stringMatching(SAYS)]);
    }
    expect((await api.batches()).length).toBe(1);
  });

  it('tries those again with --retry-failed and writes all answers, until none is left', async () => {
    const api = await withFailures();
    const worse = await home.run([...RUN, '--retry-failed'], { env: api.env });
    expect([worse.code, await outcomes()]).toEqual([
      1,
      ['errored', 'errored', 'succeeded', 'succeeded', 'succeeded', 'succeeded'],
    ]);
    await api.clearFaults();
    const better = await home.run([...RUN, '--retry-failed'], { env: api.env });
    expect(better.code, better.err).toBe(0);
    expect(await outcomes()).toEqual(Array.from({ length: 6 }, () => 'succeeded'));
    const sizes = (await api.batches()).map(({ request_counts: counts }) => counts.succeeded + counts.errored);
    expect(sizes).toEqual([2, 2, 6]);
    const last = await home.run([...RUN, '--retry-failed'], { env: api.env });
    expect([last.code, last.err]).toEqual([0, expect.stringMatching(/^Already finished at /)]);
  });

  it('writes an output that is gone with --retry-failed', async () => {
    const api = await withFailures();
    await rm(home.path('out.jsonl'));
    const { code, err } = await home.run(RUN, { env: api.env });
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(
        /2 failed\. But out\.jsonl is not there\. --retry-failed tries those again and writes all /,
      ),
    ]);
    await api.clearFaults();
    expect((await home.run([...RUN, '--retry-failed'], { env: api.env })).code).toBe(0);
    expect(await outcomes()).toHaveLength(6);
  });

  it('takes up what was canceled as well', async () => {
    const api = await home.startSimulator('--batch-latency', '60000');
    const command = home.start([...RUN, '--cancel-on-interrupt'], api.env);
    await until('the batch is sent', () => command.err().includes('batch 1 sent'));
    command.kill('SIGINT');
    expect(await command.ended).toBe(1);
    const again = await home.run(RUN, { env: api.env });
    expect([again.code, again.err]).toEqual([
      1,
      expect.stringMatching(/: 0 of 6 succeeded, 6 failed\. --retry-failed /),
    ]);
    const retried = home.start([...RUN, '--retry-failed', '--detach'], api.env);
    expect(await retried.ended).toBe(3);
    expect((await api.batches()).length).toBe(2);
  });
});

describe('a finished run without failures', () => {
  it('says when the output is not what is asked for now, and what helps', async () => {
    expect((await home.run([...RUN, '--run-dir', 'kept'])).code).toBe(0);
    const other = await home.run(['run', 'in.jsonl', '-o', 'other.jsonl', '--run-dir', 'kept']);
    expect([other.code, other.err]).toEqual([
      1,
      expect.stringMatching(
        /^batchwright: finished at \S+Z, but other\.jsonl is not there, and what was downloaded is kept no longer\. Name the output it was written to, or add --restart to run all of it anew\.\n$/,
      ),
    ]);
    const csv = await home.run([...RUN, '--run-dir', 'kept', '--format', 'csv']);
    expect([csv.code, csv.err]).toEqual([
      1,
      expect.stringMatching(/but out\.jsonl holds jsonl, not csv, .* Ask for jsonl as before, or add --restart /),
    ]);
    const streamed = await home.run(['run', 'in.jsonl', '-o', '-', '--run-dir', 'kept']);
    expect([streamed.code, streamed.out]).toEqual([1, '']);
    expect((await home.run([...RUN, '--run-dir', 'kept'])).code).toBe(0);
  });

  it('gives its place to another only when that is said', async () => {
    expect((await home.run(RUN)).code).toBe(0);
    await home.write('in.jsonl', requestLines('other', 2));
    const { code, err } = await home.run(RUN);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(
        /^batchwright: out\.jsonl\.run holds another run, which is finished: this one differs in input size, input changed\. Name another output with -o, or add --restart to put this one in its place\.\n$/,
      ),
    ]);
    expect((await home.results('out.jsonl')).map((answer) => answer.custom_id).toSorted()).toEqual(idsOf('r', 6));
    expect((await home.run([...RUN, '--restart'])).code).toBe(0);
    expect((await home.results('out.jsonl')).length).toBe(2);
  });
});

describe('a run that was sent', () => {
  it('is not planned otherwise without a word', async () => {
    const api = await home.startSimulator('--batch-latency', '60000');
    const planned = [...RUN, '--batch-requests', '3', '--detach'];
    expect((await home.run(planned, { env: api.env })).code).toBe(3);
    const other = await home.run([...RUN, '--markers', 'off', '--detach'], { env: api.env });
    expect([other.code, other.err]).toEqual([
      2,
      'batchwright: the run in out.jsonl.run was planned with --batch-requests 3 and without --markers, and batches of it were sent. Say the same to go on with it, or add --restart to plan anew.\n',
    ]);
    const same = await home.run([...planned, '--waves', 'auto', '--retry', 'none'], { env: api.env });
    expect(same.code, same.err).toBe(3);
    expect((await api.batches()).length).toBe(2);
  });
});
