import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@batchwright/core';
import { loadConfig, startServer } from '@batchwright/server';
import { createSimulator, serveSimulator, type Simulator } from '@batchwright/simulator';
import { batchEnd } from '../../figures/batch-api.ts';
import { API_KEY } from '../../processes/wire.ts';
import { Chance } from '../prompts/chance.ts';
import { onlyInserted } from './only-inserted.ts';

/** What came of requests that went through a whole server, byte for byte. */
export interface ForwardedBytes {
  readonly requests: number;
  /** Requests in which anything but what may be put in was changed. */
  readonly changed: number;
  /** Markers that were put in: without any the comparison would show little. */
  readonly markers: number;
}

const DOCUMENTS = 20;
const REQUESTS = 400;

/**
 * C5, on a server of its own with the simulated upstream behind it over HTTP: a batch of prompts in many spellings, with
 * markers placed where they pay, and then what the upstream received held against what the client sent.
 */
export async function measureForwardedBytes(benchDirectory: string): Promise<ForwardedBytes> {
  const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
  const simulator = createSimulator({
    clock,
    seed: 5,
    profile: { baseTtftMs: 1, prefillTokensPerSecond: 1e9, decodeTokensPerSecond: 1e9 },
    requestLog: { entries: 4 * REQUESTS, bodyBytes: 256 * 1024 * 1024 },
  });
  const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
  const directory = mkdtempSync(join(benchDirectory, 'bytes-'));
  try {
    const sent = spelledParams();
    await runBatch(directory, served.url, sent);
    return compared(sent, simulator);
  } finally {
    await served.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runBatch(directory: string, upstreamUrl: string, params: readonly string[]): Promise<void> {
  const loaded = loadConfig({
    args: [
      ...['--port', '0', '--data-dir', join(directory, 'data'), '--upstream', upstreamUrl, '--api-key', API_KEY],
      ...['--upstream-profile', 'anthropic', '--log-level', 'warn', '--shutdown-grace-seconds', '0'],
    ],
    env: {},
    cwd: directory,
    readFile: () => null,
  });
  if (loaded.type === 'invalid') throw new Error(loaded.lines.join('\n'));
  const server = await startServer(loaded.config);
  try {
    const items = params.map((each, request) => `{"custom_id":"r${request}","params":${each}}`);
    const created = await fetch(`${server.url}/v1/messages/batches`, {
      method: 'POST',
      headers: {
        'x-api-key': API_KEY,
        'anthropic-version': '2023-06-01',
        'content-type': 'application/json',
        'batchwright-options': '{"markers":"auto"}',
      },
      body: `{"requests":[${items.join(',')}]}`,
    });
    const text = await created.text();
    if (created.status !== 200) throw new Error(`create was answered ${created.status}: ${text}`);
    const { id } = JSON.parse(text) as { readonly id: string };
    await batchEnd(Number(new URL(server.url).port), id, params.length);
  } finally {
    await server.close();
  }
}

function compared(sent: readonly string[], simulator: Simulator): ForwardedBytes {
  let [requests, changed, markers] = [0, 0, 0];
  for (const { body } of simulator.requests()) {
    const forwarded = body === null ? '' : Buffer.from(body).toString('utf8');
    const asked = /#(\d+)#/.exec(forwarded)?.[1];
    const insertions = asked === undefined ? null : onlyInserted(sent[Number(asked)] ?? '', forwarded);
    requests += 1;
    markers += insertions?.markers ?? 0;
    if (insertions === null) changed += 1;
  }
  if (requests < sent.length) throw new Error(`the upstream saw ${requests} of ${sent.length} requests`);
  return { requests, changed, markers };
}

/** What JSON lets one write in many ways: a parser that writes it anew would change nearly every one of them. */
const SPELLINGS = ['caf\\u00e9', 'café', 'a\\/b', 'tab\\there', '😀', '\\ud83d\\ude00', 'zero\\u0000', ' spaced '];
const NUMBERS = ['0', '0.0', '1e-1', '0.50', '5E-1'];

function spelledParams(): readonly string[] {
  const chance = new Chance(5);
  const pick = (from: readonly string[]): string => from[chance.between(0, from.length - 1)] ?? '';
  // Of one document all prompts must be the same: its text and its form are drawn once.
  const documents = Array.from({ length: DOCUMENTS }, (_, document) => ({
    text: `"document ${document} ${pick(SPELLINGS)} ${'lorem ipsum '.repeat(700)}"`,
    isString: document % 2 === 0,
    isMarked: document % 5 === 4,
  }));
  return Array.from({ length: REQUESTS }, (_, request) => {
    const { text, isString, isMarked } = documents[request % DOCUMENTS]!;
    const marker = isMarked ? ', "cache_control": { "type": "ephemeral" }' : '';
    const system = isString ? text : `[ {"text":${text},"type":"text"${marker}} ]`;
    const question = `"#${request}# ${pick(SPELLINGS)}"`;
    const content = chance.unit() < 0.5 ? question : `[{"type" : "text", "text":${question}}]`;
    const members = [
      '"model":"claude-sonnet-4-5"',
      `"max_tokens":${pick(['5', '16'])}`,
      `"temperature":${pick(NUMBERS)}`,
      `"system":${system}`,
      `"messages":[{"role":"user","content":${content}}]`,
    ];
    const order = chance.shuffled(members.length);
    return `{${[...order].map((at) => members[at]).join(pick([',', ' , ', ',\n']))}}`;
  });
}
