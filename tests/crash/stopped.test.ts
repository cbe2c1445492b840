import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBatch, expectWhole } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.ts';
import { openHome, pause, until, type Home } from './server-process.ts';

/** A process that stands still, as under SIGSTOP, in a debugger or on a machine that sleeps, and goes on. */
const IN_FLIGHT = 8;
const TIMEOUT_SECONDS = 1;

let home: Home;
let upstream: CountingUpstream;
let release: () => void;
beforeEach(async () => {
  home = await openHome();
  const held = new Promise<void>((resolve) => (release = resolve));
  upstream = await startCountingUpstream((id, before) => ({ after: id.startsWith('held') && before === 0 ? held : 0 }));
});
afterEach(async () => {
  await home.close();
  await upstream.close();
});

describe('a server that is stopped for longer than its timeouts', () => {
  it('goes on where it was, pays again at most what was in flight, and keeps its directory meanwhile', async () => {
    const options = ['--upstream', upstream.url, '--concurrency', String(IN_FLIGHT), '--log-level', 'warn'];
    const server = await home.start([...options, '--upstream-timeout-seconds', String(TIMEOUT_SECONDS)]);
    const batch = await createBatch(server, 'held', 40);
    await until('the upstream is full', () => upstream.calls.length === IN_FLIGHT);
    server.signal('SIGSTOP');
    release();
    await until('the upstream has answered', () => upstream.answeredCount === IN_FLIGHT);
    await pause(2.5 * TIMEOUT_SECONDS * 1000);
    const other = home.spawn(options);
    expect(await other.ended).toBe(1);
    expect(other.err()).toContain(`process ${server.pid},`);
    server.signal('SIGCONT');
    await expectWhole(server, upstream, batch, 'held', 2);
    expect(upstream.calls.length).toBeLessThanOrEqual(40 + IN_FLIGHT);
  });

  it('keeps connections and uploads that went on without it', async () => {
    const server = await home.start(['--upstream', upstream.url, '--log-level', 'warn']);
    server.signal('SIGSTOP');
    const creates = Array.from({ length: 5 }, (_, i) => createBatch(server, `item${i}`, 100));
    await pause(1000);
    server.signal('SIGCONT');
    const batches = await Promise.all(creates);
    for (const [i, batch] of batches.entries()) await expectWhole(server, upstream, batch, `item${i}`, 1);
  });
});
