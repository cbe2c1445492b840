import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A data directory as a server leaves it that is killed in the middle of a batch: what a start has to recover. Small, and
 * the same each time: an upstream of its own answers half of the requests and leaves the others open.
 */
const REQUESTS = 200;
const CONCURRENCY = 16;
const API_KEY = 'sk-bw-build-00000000000000000000000000000000';
const LOOK_MS = 5;
const LIMIT_MS = 10_000;
const RUNNER = createRequire(import.meta.url).resolve('../packages/cli/bin/bundle.js');

/** Has a server from this bundle leave half a batch in the directory. Rejects where that takes longer than ten seconds. */
export async function leaveHalfDone(bundle, directory) {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const upstream = await startUpstream(REQUESTS / 2);
  const server = startServer(bundle, directory, upstream.address().port);
  const gone = new Promise((resolve) => server.once('exit', resolve).once('error', resolve));
  try {
    const url = await listening(server, limit);
    const { id } = await call(`${url}/v1/messages/batches`, limit, { requests: requests() });
    // Counted are results that are on the disk.
    while ((await call(`${url}/v1/messages/batches/${id}`, limit)).request_counts.succeeded < REQUESTS / 2) {
      await delay(LOOK_MS, undefined, { signal: limit });
    }
  } finally {
    server.kill('SIGKILL');
    upstream.close();
    upstream.closeAllConnections();
    await gone;
  }
}

/** Answers so many calls and takes the others without a word. */
async function startUpstream(answers) {
  let answered = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (answered++ < answers) response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return server;
}

function startServer(bundle, directory, upstreamPort) {
  const program = `require(${JSON.stringify(RUNNER)}).runBundle(undefined, ${JSON.stringify(bundle)})`;
  const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', directory, '--log-level', 'silent'];
  const upstream = ['--upstream', `http://127.0.0.1:${upstreamPort}`, '--concurrency', `${CONCURRENCY}`];
  return spawn(process.execPath, ['-e', program, 'batchwright', ...args, ...upstream, '--api-key', API_KEY], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Where it listens, from its first words. */
function listening(server, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the server was not there in time')));
    server.once('error', reject).once('exit', () => reject(new Error('the server ended')));
    server.stdout.once('data', (words) => resolve(/http:\/\/\S+/.exec(words)[0]));
  });
}

async function call(url, signal, body) {
  const headers = { 'x-api-key': API_KEY, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' };
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(url, { ...init, headers, signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Half of them share a prompt that is cached, for such batches are put in an order of their own. */
function requests() {
  const system = [{ type: 'text', text: 'You are terse. '.repeat(1000), cache_control: { type: 'ephemeral' } }];
  return Array.from({ length: REQUESTS }, (_, index) => ({
    custom_id: `request-${index}`,
    params: {
      model: 'claude-sonnet-4-5',
      max_tokens: 16,
      messages: [{ role: 'user', content: `Say ${index}.` }],
      ...(index % 2 === 0 ? { system } : {}),
    },
  }));
}

const ANSWER = JSON.stringify({
  id: 'msg_build',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text: 'Said.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 3 },
});
