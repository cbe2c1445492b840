import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig, startServer } from '@batchwright/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCountingUpstream, type CountingUpstream } from '../crash/counting-upstream.ts';
import { create, item, results, retrieve } from '../harness/batches.ts';
import { caller } from '../harness/caller.ts';
import { countFiles, type FileCounts } from './counted-files.ts';

/**
 * What dispatch costs where a time would depend on the machine: calls, syncs, reads and writes of a batch of a thousand.
 * The upstream answers in waves, all that wait at once, so that how many results share a commit does not depend on how
 * fast anybody is. Thirty syncs, thirty writes and five reads were counted; the bounds leave room for waves that fall apart
 * on a busy machine, and are a small part of one a request.
 */
const REQUESTS = 1000;
const PROMPT_BYTES = 2400;
const PARAMS_BYTES = REQUESTS * PROMPT_BYTES;
const CONCURRENCY = 256;
const KEY = 'sk-bw-counts-000000000000000000000000000000000';
/** A wave is over when no call has come for so long. */
const QUIET_MS = 20;

describe('a batch of a thousand requests', () => {
  let measured: Measured;

  beforeAll(async () => {
    measured = await runBatch();
  });

  it('calls the upstream once a request', () => {
    const calls = measured.upstream.calls.map(({ customId }) => customId);
    expect(calls).toHaveLength(REQUESTS);
    expect(new Set(calls).size).toBe(REQUESTS);
  });

  it('syncs files by the commit and not by the result', () => {
    const { syncs } = measured.files;
    // Two for each commit that happens to carry results; none at all would mean that nothing is durable.
    expect(syncs).toBeGreaterThan(2);
    expect(syncs).toBeLessThan(100);
  });

  it('writes files by the commit and not by the result', () => {
    const { writes } = measured.files;
    expect(writes).toBeGreaterThan(2);
    expect(writes).toBeLessThan(100);
  });

  it('reads what it sends about once, many requests at a time', () => {
    const { reads, bytesRead } = measured.files;
    expect(bytesRead).toBeLessThan(2 * PARAMS_BYTES);
    expect(reads).toBeLessThan(100);
  });

  it('stores a result for each request, once', () => {
    expect(new Set(measured.resultIds).size).toBe(REQUESTS);
    expect(measured.resultIds).toHaveLength(REQUESTS);
  });

  afterAll(() => measured.upstream.close());
});

interface Measured {
  readonly upstream: CountingUpstream;
  /** Until the batch had ended. */
  readonly files: FileCounts;
  readonly resultIds: readonly string[];
}

async function runBatch(): Promise<Measured> {
  const upstream = await startCountingUpstream(inWaves());
  const dataDir = await mkdtemp(join(tmpdir(), 'batchwright-counts-'));
  const server = await startServer({
    ...defaultConfig,
    dataDir,
    port: 0,
    apiKey: KEY,
    upstream: { type: 'messages', baseUrls: [upstream.url] },
    concurrency: CONCURRENCY,
    logLevel: 'silent',
  });
  const by = caller(server.url, KEY, 'default');
  const counted = await countFiles();
  try {
    const { id } = await create(by, requests());
    while ((await retrieve(by, id)).processing_status !== 'ended') await nextTurn();
    const files = { ...counted.counts };
    return { upstream, files, resultIds: (await results(by, id)).map((row) => row.custom_id) };
  } finally {
    counted.stop();
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function requests(): ReturnType<typeof item>[] {
  return Array.from({ length: REQUESTS }, (_, i) => {
    const content = `request-${i} `.padEnd(PROMPT_BYTES, `${i} lorem ipsum `);
    return item(`request-${i}`, { messages: [{ role: 'user', content }] });
  });
}

/** Every call of a wave waits for the same promise, which resolves when the wave is over. */
function inWaves(): () => { readonly after: Promise<void> } {
  let wave: { readonly over: Promise<void>; readonly timer: NodeJS.Timeout } | null = null;
  return () => {
    if (wave !== null) {
      wave.timer.refresh();
      return { after: wave.over };
    }
    let end = (): void => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    const timer = setTimeout(() => {
      wave = null;
      end();
    }, QUIET_MS);
    wave = { over, timer };
    return { after: over };
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
