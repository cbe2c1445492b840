import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { systemClock } from '@batchwright/core';
import type { RunEnd } from '@batchwright/client';
import { createSimulator, serveSimulator, SIMULATOR_PROFILES } from '@batchwright/simulator';
import { describe, expect, it } from 'vitest';
// @ts-expect-error -- plain JavaScript, since it runs before anything is built.
import * as boundaries from '../../scripts/checks/boundaries.mjs';
import { item, textOf, type Item } from '../harness/batches.ts';
import { startTestServer } from '../harness/test-server.ts';

/** The client runs wherever there is fetch: what is published of it, and of what it is made of, needs nothing of Node. */

const { importSpecifiers } = boundaries as { importSpecifiers(source: string): readonly string[] };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = 'packages/client/dist/index.js';

/** What is loaded with the client, by path below the root: its imports, and theirs, as far as they are ours. */
function loadedWith(entry: string): ReadonlyMap<string, string> {
  const loaded = new Map<string, string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    const source = readFileSync(join(ROOT, path), 'utf8');
    loaded.set(path, source);
    for (const specifier of importSpecifiers(source)) {
      if (specifier.startsWith('.')) load(join(path, '..', specifier));
      const [scope, room] = specifier.split('/');
      if (scope === '@batchwright') load(`packages/${room}/dist/index.js`);
    }
  };
  load(entry);
  return loaded;
}

/** A source without its comments and what is in plain strings. */
function codeOf(source: string): string {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|[^:\\])\/\/.*$/gm, '$1')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

const NODE_GLOBALS = /(?<![.\w$-])(?:process|Buffer|require|global|__dirname|setImmediate)\b(?!\s*:)/;

function usesNodeGlobals(source: string): boolean {
  return NODE_GLOBALS.test(codeOf(source));
}

describe('what is loaded with the client', () => {
  const loaded = loadedWith(ENTRY);

  it('is all of it but the entry for Node, and the rooms below', () => {
    const rooms = new Set([...loaded.keys()].map((path) => path.split('/')[1]));
    expect([...rooms].toSorted()).toEqual(['client', 'core', 'protocol', 'scan']);
    const published = readdirSync(join(ROOT, 'packages/client/dist'), { recursive: true, encoding: 'utf8' });
    expect(published.length).toBeGreaterThan(100);
    expect([...loaded.keys()].filter((path) => path.startsWith('packages/client/dist/node/'))).toEqual([]);
  });

  it('imports the SDK and nothing else from elsewhere', () => {
    const elsewhere = [...loaded.values()]
      .flatMap(importSpecifiers)
      .filter((name) => !/^(?:\.|@batchwright\/)/.test(name));
    expect(new Set(elsewhere)).toEqual(new Set(['@anthropic-ai/sdk']));
  });

  it('touches no globals of Node, but for the one place that asks whether they are there', () => {
    const using = [...loaded].filter(([, source]) => usesNodeGlobals(source)).map(([path]) => path);
    expect(using).toEqual(['packages/scan/dist/runtime.js']);
    expect(loaded.get(using[0] ?? '')).toContain("typeof process === 'undefined' ? undefined :");
  });
});

it.each([
  ['const bytes = Buffer.from(text);', true],
  ["if (process.env['X'] === '') leave();", true],
  ['const fs = require(name);', true],
  ["// Buffer is Node's\nconst own = 'process';", false],
  ['state.process(native.Buffer);', false],
  ['const terms = { process: 1 };', false],
])('the search for globals sees in %j: %s', (source, uses) => {
  expect(usesNodeGlobals(source)).toBe(uses);
});

interface BareRun {
  readonly answers: readonly (readonly [customId: string, outcome: string])[];
  readonly end: RunEnd;
  readonly globals: readonly string[];
}

function runInBareThread(requests: readonly Item[], baseUrl: string, apiKey: string): Promise<BareRun> {
  const thread = new Worker(new URL('bare-thread.mjs', import.meta.url), {
    workerData: { requests, baseUrl, apiKey },
    env: {},
    execArgv: [],
  });
  return new Promise<BareRun>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread ended with ${code} and said nothing`)));
  }).finally(() => thread.terminate());
}

describe('without process and Buffer', () => {
  const document = textOf('what all of them share', 6000);
  const requests = Array.from({ length: 30 }, (_, i) =>
    item(`item-${i}`, { system: [{ type: 'text', text: document }] }),
  );
  const expected = requests.map((request) => [request.custom_id, 'succeeded']).toSorted();

  it('a run against a Batchwright completes', async () => {
    const server = await startTestServer();
    const running = runInBareThread(requests, server.url, server.k1a.key);
    const { answers, end, globals } = await server.whileTimePasses(running).finally(() => server.close());
    expect(globals).toEqual(['undefined', 'undefined']);
    expect(answers.toSorted()).toEqual(expected);
    expect(end).toMatchObject({ type: 'settled', report: { waves: 1, counts: { succeeded: 30 } } });
  });

  it('a run of waves against native batches completes', async () => {
    const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
    const profile = SIMULATOR_PROFILES.instant;
    const simulator = createSimulator({ clock, seed: 1, profile, batches: { latencyMs: 0 } });
    const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
    const { answers, end, globals } = await runInBareThread(requests, served.url, 'any').finally(() => served.close());
    expect(globals).toEqual(['undefined', 'undefined']);
    expect(answers.toSorted()).toEqual(expected);
    expect(end).toMatchObject({ type: 'settled', report: { waves: 2, counts: { succeeded: 30 } } });
  });
});
