import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setUp } from './setup.mjs';

/**
 * `node scripts/key-timing.mjs [calls]`: whether the time that a wrong key takes to be refused tells how much of it is
 * right. Keys that differ from the real one in their last character, and keys that share nothing with it, are sent in
 * turn over one connection; printed is how often the better guess took longer. 0.500 says that nothing is learnt.
 */
const CALLS = Number(process.argv[2] ?? 20_000);
const NOTHING_LEARNT = 0.02;

setUp();
const { defaultConfig, startServer } = await import('../packages/server/dist/index.js');
const dataDir = await mkdtemp(join(tmpdir(), 'batchwright-timing-'));
const secret = (bytes = randomBytes(32)) => `sk-bw-${bytes.toString('base64url')}`;
const key = secret();
const server = await startServer({ ...defaultConfig, port: 0, dataDir, apiKey: key, logLevel: 'silent' });
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
try {
  const near = [];
  const far = [];
  for (let i = 0; i < CALLS; i++) {
    near.push(await refusalMs(key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A')));
    far.push(await refusalMs(secret()));
  }
  const share = shareOfGreater(near, far);
  process.stdout.write(`${CALLS} calls each; median ${median(near)} ms near, ${median(far)} ms far\n`);
  process.stdout.write(`a guess that is nearly right takes longer in a share of ${share.toFixed(3)}\n`);
  process.exitCode = Math.abs(share - 0.5) < NOTHING_LEARNT ? 0 : 1;
} finally {
  agent.destroy();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
}

function refusalMs(guess) {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': guess, 'anthropic-version': '2023-06-01' };
    const call = request(`${server.url}/v1/messages/batches`, { agent, headers });
    const startedMs = performance.now();
    call.once('error', reject).once('response', (response) => {
      const ms = performance.now() - startedMs;
      if (response.statusCode !== 401) reject(new Error(`a wrong key was answered ${response.statusCode}`));
      response.once('end', () => resolve(ms)).resume();
    });
    call.end();
  });
}

/** How often a draw of the first is greater than one of the second; by ranks, so that no distribution is assumed. */
function shareOfGreater(first, second) {
  const all = [...first.map((ms) => [ms, 1]), ...second.map((ms) => [ms, 0])].toSorted((a, b) => a[0] - b[0]);
  const ranks = all.reduce((sum, [, isFirst], i) => sum + (isFirst ? i + 1 : 0), 0);
  return (ranks - (first.length * (first.length + 1)) / 2) / (first.length * second.length);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(4);
}
