import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageBatch } from '@batchwright/protocol';
import { defaultConfig, startServer, type Config } from '@batchwright/server';
import { expect } from 'vitest';
import { retrieve } from './batches.ts';
import type { Caller } from './caller.ts';
import { raw } from './raw-http.ts';
import { openWorkspaces } from './workspaces.ts';

/**
 * A whole server in this process: a free port, a data directory of its own, the simulated upstream, and time that
 * stands still until a test moves it. Nothing in it is replaced by a stand-in.
 */
export interface TestServer {
  readonly url: string;
  /** Workspace W1 with its two keys, and W2. */
  readonly k1a: Caller;
  readonly k1b: Caller;
  readonly k2: Caller;
  /** A caller in a workspace of its own, with nothing in it. */
  newWorkspace(): Promise<Caller>;
  advance(ms: number): Promise<void>;
  /** Lets time pass until the batch ended, and answers it. */
  finish(caller: Caller, id: string): Promise<MessageBatch>;
  /** Lets half a second pass, again and again, until the promise settles, and answers what it came to. */
  whileTimePasses<Result>(promise: Promise<Result>): Promise<Result>;
  /** Lets a little time pass, again and again, until the condition holds. */
  until(condition: () => Promise<boolean>): Promise<void>;
  addFaults(...rules: readonly FaultRule[]): Promise<void>;
  clearFaults(): Promise<void>;
  close(): Promise<void>;
}

/** What `POST /sim/faults` takes; the simulator checks it. */
export type FaultRule = Readonly<Record<string, unknown>>;

/** No grace at the end: it is real time, in which calls on a clock that stands still can only be waited for in vain. */
const TEST_SETTINGS = { port: 0, clock: 'virtual', logLevel: 'silent', shutdownGraceSeconds: 0 } as const;
const STEP_MS = 5_000;
/** Real time after which waiting is given up; a hang then fails here and not at the runner's limit. */
const PATIENCE_MS = 20_000;

/** Starts a server; `overrides` replace single settings. Close it when done. */
export async function startTestServer(overrides: Partial<Config> = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'batchwright-test-'));
  const config: Config = { ...defaultConfig, ...TEST_SETTINGS, ...overrides, dataDir };
  const server = await startServer(config);
  const workspaces = await openWorkspaces(dataDir);
  const { k1a, k1b, k2 } = await workspaces.standard(server.url);

  const advance = (ms: number): Promise<void> => advanceClock(server.url, config.clock === 'virtual', ms);
  const until = (condition: () => Promise<boolean>): Promise<void> => repeat(condition, () => advance(STEP_MS));
  return {
    url: server.url,
    k1a,
    k1b,
    k2,
    newWorkspace: () => workspaces.add(server.url),
    advance,
    until,
    whileTimePasses: (promise) => passingTime(promise, () => advance(500)),
    finish: async (by, id) => {
      let batch = await retrieve(by, id);
      await until(async () => (batch = await retrieve(by, id)).processing_status === 'ended');
      return batch;
    },
    addFaults: (...rules) => simulator(server.url, 'POST', '/sim/faults', rules),
    clearFaults: () => simulator(server.url, 'DELETE', '/sim/faults'),
    close: async () => {
      await workspaces.close();
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function repeat(condition: () => Promise<boolean>, step: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    expect(performance.now(), 'this took too long').toBeLessThan(deadline);
    await step();
  }
}

async function passingTime<Result>(promise: Promise<Result>, step: () => Promise<void>): Promise<Result> {
  let over = false;
  const stepping = async (): Promise<void> => {
    while (!over) await step();
  };
  const [result] = await Promise.all([promise.finally(() => (over = true)), stepping()]);
  return result;
}

/** With the real clock time passes by itself, and giving way to it is all there is to do. */
async function advanceClock(url: string, virtual: boolean, ms: number): Promise<void> {
  if (virtual) await simulator(url, 'POST', '/sim/clock', { advance_ms: ms });
  else await new Promise((resolve) => setImmediate(resolve));
}

async function simulator(url: string, method: string, path: string, body?: unknown): Promise<void> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await raw(url, { method, path, headers: { 'content-type': 'application/json' }, ...sent });
  expect(response.status, `${method} ${path}: ${response.text}`).toBeLessThan(300);
}
