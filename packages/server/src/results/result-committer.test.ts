import { VirtualClock } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { Activity } from '../runtime/activity.ts';
import { SpoolFullError, type ResultChunk, type ResultLog, type ResultRow } from '../spool/spool.ts';
import { CommitPace } from './commit-pace.ts';
import { ResultCommitter } from './result-committer.ts';

const INTERVAL_MS = 5;

/** A results log whose commits end when and how the test says. */
class ScriptedLog implements ResultLog {
  readonly settled = { requests: new Uint32Array(0), types: new Uint8Array(0) };
  readonly findings = { lost: 0, adopted: 0 };
  readonly lastSyncSeconds = 0.001;
  readonly commits: { lines: string; end: (outcome: 'written' | 'lost' | Error) => void }[] = [];
  closed = false;

  commit(chunk: ResultChunk): Promise<'written' | 'lost'> {
    const lines = Buffer.from(chunk.lines).toString();
    return new Promise((resolve, reject) => {
      const end = (outcome: 'written' | 'lost' | Error): void =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome);
      this.commits.push({ lines, end });
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** A log that was opened an interval ago. */
async function setUp(commitPace = new CommitPace(INTERVAL_MS)) {
  const log = new ScriptedLog();
  const pace = new VirtualClock(1000);
  const durable: number[] = [];
  const blocked: number[] = [];
  let lost = 0;
  const open = (): ResultCommitter =>
    new ResultCommitter({
      log,
      pace,
      commitPace,
      activity: new Activity(),
      events: {
        onDurable: (rows: readonly ResultRow[]) => durable.push(...rows.map((row) => row.request)),
        onBlocked: (_cause, retryMs) => blocked.push(retryMs),
        onLost: () => lost++,
      },
    });
  const committer = open();
  await pace.advance(INTERVAL_MS);
  const add = (request: number, line = `row ${request}\n`, to = committer): void =>
    to.append(request, 'succeeded', [Buffer.from(line)]);
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { log, pace, durable, blocked, committer, open, add, turns, lostCount: () => lost };
}

describe('ResultCommitter', () => {
  it('names no row durable before its commit has been written', async () => {
    const { log, durable, add, turns } = await setUp();
    add(1);
    await turns();
    expect(log.commits).toHaveLength(1);
    expect(durable).toEqual([]);
    log.commits[0]?.end('written');
    await turns();
    expect(durable).toEqual([1]);
  });

  it('gathers what arrives during a commit into the next one', async () => {
    const { log, pace, durable, add, turns } = await setUp();
    add(1);
    await turns();
    add(2);
    add(3);
    await pace.advance(100);
    expect(log.commits).toHaveLength(1);
    log.commits[0]?.end('written');
    await turns();
    await pace.advance(5);
    expect(log.commits[1]?.lines).toBe('row 2\nrow 3\n');
    log.commits[1]?.end('written');
    await turns();
    expect(durable).toEqual([1, 2, 3]);
  });

  it('waits the interval between the beginnings of two commits', async () => {
    const { log, pace, add, turns } = await setUp();
    add(1);
    await turns();
    log.commits[0]?.end('written');
    await turns();
    add(2);
    await pace.advance(4);
    expect(log.commits).toHaveLength(1);
    await pace.advance(1);
    expect(log.commits).toHaveLength(2);
  });

  it('gathers what a batch brings in the interval after its log was opened', async () => {
    const { log, pace, add, turns, open } = await setUp();
    const another = open();
    add(1);
    add(2, 'row 2\n', another);
    await turns();
    expect(log.commits).toHaveLength(1);
    add(3, 'row 3\n', another);
    await pace.advance(INTERVAL_MS);
    expect(log.commits[1]?.lines).toBe('row 2\nrow 3\n');
  });

  it('commits less often the more shards do', async () => {
    const commitPace = new CommitPace(INTERVAL_MS);
    const { log, pace, add, turns } = await setUp(commitPace);
    for (let shard = 0; shard < 5; shard++) commitPace.begin();
    add(1);
    await pace.advance(2 * INTERVAL_MS);
    log.commits[0]?.end('written');
    await turns();
    add(2);
    await pace.advance(3 * INTERVAL_MS - 1);
    expect(log.commits).toHaveLength(1);
    await pace.advance(1);
    expect(log.commits).toHaveLength(2);
  });

  it('counts among the shards that commit for as long as it has something to commit', async () => {
    const commitPace = new CommitPace(INTERVAL_MS);
    for (let shard = 0; shard < 5; shard++) commitPace.begin();
    const aloneMs = commitPace.intervalMs;
    const { log, pace, add, turns, committer } = await setUp(commitPace);
    expect(commitPace.intervalMs).toBe(aloneMs);
    add(1);
    await pace.advance(3 * INTERVAL_MS);
    add(2);
    expect(commitPace.intervalMs).toBeGreaterThan(aloneMs);
    log.commits[0]?.end('written');
    await turns();
    expect(commitPace.intervalMs).toBeGreaterThan(aloneMs);
    await pace.advance(3 * INTERVAL_MS);
    log.commits[1]?.end('written');
    await turns();
    expect(commitPace.intervalMs).toBe(aloneMs);
    add(3);
    const closing = committer.close();
    await turns();
    log.commits[2]?.end('written');
    await closing;
    expect(commitPace.intervalMs).toBe(aloneMs);
  });

  it('does not wait once a megabyte has gathered', async () => {
    const { log, add, turns } = await setUp();
    add(1);
    await turns();
    add(2, `${'x'.repeat(1024 * 1024)}\n`);
    log.commits[0]?.end('written');
    await turns();
    await turns();
    expect(log.commits).toHaveLength(2);
  });

  it('keeps refused lines in order and tries them again, ever more slowly', async () => {
    const { log, pace, durable, blocked, add, turns } = await setUp();
    add(1);
    await turns();
    add(2);
    log.commits[0]?.end(new SpoolFullError('full'));
    await turns();
    expect(blocked).toEqual([250]);
    add(3);
    await pace.advance(249);
    await turns();
    expect(log.commits).toHaveLength(1);
    await pace.advance(1);
    log.commits[1]?.end(new SpoolFullError('full'));
    await turns();
    expect(blocked).toEqual([250, 500]);
    await pace.advance(500);
    expect(log.commits[2]?.lines).toBe('row 1\nrow 2\nrow 3\n');
    log.commits[2]?.end('written');
    await turns();
    expect(durable).toEqual([1, 2, 3]);
  });

  it('is congested while eight megabytes wait, and no longer once they are written', async () => {
    const { log, committer, add, turns } = await setUp();
    add(1);
    await turns();
    add(2, `${'x'.repeat(8 * 1024 * 1024)}\n`);
    expect(committer.isCongested).toBe(true);
    log.commits[0]?.end('written');
    await turns();
    await turns();
    expect(committer.isCongested).toBe(false);
  });

  it('writes nothing more once the shard is lost', async () => {
    const { log, pace, durable, add, turns, lostCount } = await setUp();
    add(1);
    await turns();
    log.commits[0]?.end('lost');
    await turns();
    add(2);
    await pace.advance(1000);
    expect(log.commits).toHaveLength(1);
    expect(durable).toEqual([]);
    expect(lostCount()).toBe(1);
  });

  it('writes what has gathered before it closes the log', async () => {
    const { log, durable, committer, add, turns } = await setUp();
    add(1);
    await turns();
    add(2);
    const closing = committer.close();
    log.commits[0]?.end('written');
    await turns();
    log.commits[1]?.end('written');
    await closing;
    expect(durable).toEqual([1, 2]);
    expect(log.closed).toBe(true);
  });

  it('leaves no timer behind when it closes on a store that still fails', async () => {
    const { log, pace, committer, add, turns } = await setUp();
    add(1);
    await turns();
    log.commits[0]?.end(new SpoolFullError('full'));
    await turns();
    const closing = committer.close();
    await turns();
    log.commits[1]?.end(new SpoolFullError('full'));
    await closing;
    expect(pace.pendingCount).toBe(0);
  });
});
