// A thread in which only what is Node's own finds what only Node has: its fetch is written with `Buffer` and `global`. To
// everybody else, the built client and the SDK, they are not there. It runs the requests it was given against an API, as any
// runtime with fetch could, and says what came of it.
import { parentPort, workerData } from 'node:worker_threads';

for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) {
  const own = globalThis[name];
  Object.defineProperty(globalThis, name, { get: () => (isAskedByNode() ? own : undefined) });
}

function isAskedByNode() {
  const [, , , asking = ''] = (new Error('who asks').stack ?? '').split('\n');
  return /\bnode:internal\//.test(asking);
}

const { requests, baseUrl, apiKey } = workerData;
const { runBatch, sdkClient } = await import('../../packages/client/dist/index.js');
const run = runBatch(requests, { client: sdkClient({ baseUrl, apiKey }) });
const answers = [];
for await (const { customId, result } of run) answers.push([customId, result.type]);
const end = await run.settle();
await run.close();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of Node's, not a window
parentPort.postMessage({ answers, end, globals: [typeof process, typeof Buffer] });
