import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCommand, type CommandProcess } from '../../packages/cli/src/command-process.fixture.ts';
import { ROUTES } from '../../packages/server/src/http/routes.ts';
import { pause, until } from '../crash/server-process.ts';
import { BATCHES, create, MODEL, retrieve, type Item } from '../harness/batches.ts';
import { caller, type Caller } from '../harness/caller.ts';
import { raw } from '../harness/raw-http.ts';
import { closeServer, message } from '../harness/scripted-upstream.ts';

/**
 * A real server is started with marked secrets, at the most talkative log level, and taken through every route, errors
 * and failures of its upstream included. Then everything that came out of it is searched for the marks.
 */
const mark = (what: string): string => `${what}-${randomUUID()}`;

/** No looks of a key, so that nothing is left out for its looks alone. */
const KEYS = { client: mark('clientkey'), wrong: mark('wrongkey'), bearer: mark('bearerkey'), upstream: mark('upkey') };
/** What belongs to the client: answered to it, and told to nobody else. */
const CONTENT = {
  prompt: mark('prompt'),
  system: mark('system'),
  answer: mark('answer'),
  customId: mark('custom').slice(0, 60),
  profile: mark('profile'),
  option: mark('option'),
  query: mark('query'),
  header: mark('header'),
  metadata: mark('metadata'),
  refusal: mark('refusal'),
};

let directory: string;
let upstream: Server;
let server: CommandProcess;
let by: Caller;
/** Every answer: where it was asked for, and head and body as text. */
const answers: { readonly path: string; readonly status: number; readonly text: string }[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-secrets-'));
  upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answerAs(Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  const args = ['serve', '--port', '0', '--data-dir', join(directory, 'data'), '--log-level', 'trace'];
  server = startCommand(
    [...args, '--upstream', `http://127.0.0.1:${port}`, '--shutdown-grace-seconds', '0'],
    directory,
    {
      BATCHWRIGHT_API_KEY: KEYS.client,
      BATCHWRIGHT_UPSTREAM_API_KEY: KEYS.upstream,
    },
  );
  await server.prints(/Ctrl-C/);
  by = caller(/ANTHROPIC_BASE_URL=(\S+)/.exec(server.out())?.[1] ?? '', KEYS.client, '');
  await everything();
  server.kill('SIGTERM');
  await server.ended;
}, 120_000);

afterAll(async () => {
  server.kill('SIGKILL');
  await closeServer(upstream);
  await rm(directory, { recursive: true, force: true });
});

/** Fails in the way the prompt asks for, quoting what it was sent as careless services do. */
function answerAs(body: string, response: ServerResponse): void {
  const mode = /mode=(\w+)/.exec(body)?.[1] ?? 'fine';
  const json = { 'content-type': 'application/json' };
  switch (mode) {
    case 'fine':
      return void response.writeHead(200, json).end(JSON.stringify(message(CONTENT.answer)));
    case 'refused':
      response.writeHead(400, json);
      return void response.end(
        `{"type":"error","error":{"type":"invalid_request_error","message":"${CONTENT.refusal}"}}`,
      );
    case 'telltale':
      response.writeHead(400, json);
      return void response.end(
        `{"type":"error","error":{"type":"invalid_request_error","message":"the key ${KEYS.upstream} may not do that"}}`,
      );
    case 'page':
      return void response.writeHead(502, { 'content-type': 'text/html' }).end(`<h1>${CONTENT.refusal}</h1>${body}`);
    case 'broken':
      return void response.writeHead(200, json).end(`{"type":"message","content":"${CONTENT.answer}`);
    case 'noise':
      return void response.writeHead(200, json).end(`${CONTENT.answer}\u001b[2J\n{"level":"fatal"}`);
    case 'cut':
      response.writeHead(200, { ...json, 'content-length': 1000 }).write(CONTENT.answer);
      return void response.destroy();
    default:
      // The upstream refuses our key, and says it back.
      response.writeHead(401, { ...json, 'www-authenticate': KEYS.upstream });
      return void response.end(`{"type":"error","error":{"type":"authentication_error","message":"${KEYS.upstream}"}}`);
  }
}

function itemFor(customId: string, mode: string): Item {
  const messages = [{ role: 'user', content: `${CONTENT.prompt} mode=${mode}` }];
  const rest = { max_tokens: 8, messages, system: CONTENT.system, metadata: { user_id: CONTENT.metadata } };
  return { custom_id: customId, params: { model: MODEL, ...rest } };
}

async function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<void> {
  const sent = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const answer = await raw(by.url, { method, path, headers, ...(sent === undefined ? {} : { body: sent }) });
  answers.push({ path, status: answer.status, text: `${JSON.stringify(answer.headers)}\n${answer.text}` });
}

async function everything(): Promise<void> {
  const headers = { 'anthropic-user-profile-id': CONTENT.profile };
  const items = [itemFor(CONTENT.customId, 'fine'), ...['refused', 'telltale'].map((mode) => itemFor(mode, mode))];
  const ended = await create(by, items, headers);
  await until('the batch ended', async () => (await retrieve(by, ended.id)).processing_status === 'ended');
  // It is tried again and again; some of that is what the log is to tell of.
  const failing = await create(
    by,
    ['page', 'broken', 'noise', 'cut'].map((mode) => itemFor(mode, mode)),
  );
  await pause(1500);
  const ids = [ended.id, failing.id, 'msgbatch_none', CONTENT.query, '..%2f..', '%00', '%0a%0d%1b[2J'];
  for (const id of ids) await everyRoute(id);
  const badHeaders = { ...asClient(), 'batchwright-options': `{"${CONTENT.option}":1}` };
  await ask('POST', BATCHES, badHeaders, { requests: [itemFor('a', 'fine')] });
  for (const body of [`{"${CONTENT.prompt}`, `"${CONTENT.prompt}"`, { requests: [{ custom_id: CONTENT.prompt }] }]) {
    for (const path of [BATCHES, '/ext/v1/estimate', '/v1/messages', `/ext/v1/batches/${ended.id}/rerun`]) {
      await ask('POST', path, asClient(), body);
    }
  }
  for (const mode of ['fine', 'refused', 'telltale', 'page', 'broken', 'noise', 'key']) {
    await ask('POST', '/v1/messages', asClient(), itemFor('a', mode).params);
  }
  await ask('POST', '/v1/messages', { ...asClient(), 'content-encoding': 'gzip' }, CONTENT.prompt);
  // From here on the upstream's refusal of our key holds all batches up.
  await create(by, [itemFor('key', 'key')]);
  await pause(500);
  for (const path of ['/metrics', '/readyz', '/healthz', '/openapi.json']) await ask('GET', path, {});
}

const asClient = (): Record<string, string> => ({ 'x-api-key': KEYS.client, 'anthropic-version': '2023-06-01' });

/** Every route, with the right key, a wrong one in either header, and none. */
async function everyRoute(id: string): Promise<void> {
  const rest = { 'anthropic-version': '2023-06-01', 'x-marked': CONTENT.header, 'user-agent': CONTENT.header };
  const credentials = [
    { 'x-api-key': KEYS.client },
    { 'x-api-key': KEYS.wrong },
    { authorization: `Bearer ${KEYS.bearer}` },
    {},
  ];
  for (const route of ROUTES) {
    const path = route.path.replace(/\{message_batch_id\}|\{model_id\}/, id).replace('{custom_id}', CONTENT.customId);
    // A stream of news has no end as long as the batch has none.
    if (path.endsWith('/events') && id !== 'msgbatch_none') continue;
    // The batch must stay for the routes that come after.
    if (route.method === 'DELETE' && id.startsWith('msgbatch_01')) continue;
    for (const credential of credentials) {
      const headers = { ...rest, ...credential } as Record<string, string>;
      const body = route.method === 'POST' ? '{}' : undefined;
      await ask(route.method, `${path}?x=${CONTENT.query}`, headers, body);
    }
  }
}

/** Where a text stands in which it must not. */
function findMarks(text: string, marks: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(marks).flatMap(([name, value]) => {
    const at = text.indexOf(value);
    return at < 0 ? [] : [`${name}: …${text.slice(Math.max(0, at - 200), at + 100)}…`];
  });
}

describe('what a server says', () => {
  it('was asked for on every route, and at the most talkative level', () => {
    expect(answers.length).toBeGreaterThan(ROUTES.length * 4 * 6);
    // What was to be found where it belongs was found: the search can find.
    const all = answers.map(({ text }) => text).join('\n');
    const { answer, prompt, customId, query, refusal } = CONTENT;
    expect(findMarks(all, { answer, prompt, customId, query, refusal })).toHaveLength(5);
    const lines = server.err().trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(300);
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      expect.objectContaining(new Set([200, 400, 401, 404])),
    );
  });

  it('holds no key, whoever is told', () => {
    expect(findMarks(server.out(), KEYS)).toEqual([]);
    expect(findMarks(server.err(), KEYS)).toEqual([]);
    for (const { text } of answers) expect(findMarks(text, KEYS)).toEqual([]);
    // The upstream did say it: once in the results of a batch, and once of a call that was passed on.
    const said = answers.filter(({ text }) => text.includes(`the key ${'*'.repeat(KEYS.upstream.length)} may not`));
    expect(said.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/v1/messages', expect.stringContaining('/results?')]),
    );
  });

  it('holds nothing of prompts, answers, headers and queries in its log and on its standard output', () => {
    expect(findMarks(server.err(), CONTENT)).toEqual([]);
    expect(findMarks(server.out(), CONTENT)).toEqual([]);
  });

  it('holds nothing of them where everybody may look', () => {
    const open = /^\/(?:metrics|healthz|readyz|openapi\.json)/;
    const told = answers.filter(({ path }) => open.test(path));
    expect(told.length).toBeGreaterThanOrEqual(4);
    for (const { text } of told) expect(findMarks(text, { ...CONTENT, directory })).toEqual([]);
  });

  it('holds prompts and answers only where they were asked for, and the place of its data nowhere', () => {
    const { prompt, system, answer, metadata, profile } = CONTENT;
    // What the upstream answers to a call that was passed on belongs to its caller, too.
    const belongs = /^\/v1\/(?:messages(?:\/count_tokens)?(?:\?|$)|models)|\/results|\/requests\//;
    for (const { path, status, text } of answers) {
      expect(findMarks(text, { directory })).toEqual([]);
      // An error may name a field or an id as it was sent, in the answer to whoever sent it.
      if (!belongs.test(path) && status < 400)
        expect(findMarks(text, { prompt, system, answer, metadata, profile })).toEqual([]);
    }
  });

  it('is one JSON object a line, whatever it was told', () => {
    for (const line of server
      .err()
      .trimEnd()
      .split('\n')
      .filter((text) => text.startsWith('{'))) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String) });
      expect(line).not.toMatch(/\p{Cc}|[\u2028\u2029\u202e]/u);
    }
  });
});
