import { afterEach, beforeEach, expect, test } from 'vitest';
import { create, expectError, results, type Item } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import type { RawResponse } from '../harness/raw-http.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * Conformance, items 94–106: prompt caching, by what `usage` says of synchronous calls and of results. The simulated
 * upstream counts four bytes of text as a token.
 */
const MODEL = 'claude-sonnet-4-5';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MARK = { type: 'ephemeral' };
const LONG_MARK = { type: 'ephemeral', ttl: '1h' };

let server: TestServer;
let by: Caller;
beforeEach(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterEach(() => server.close());

/** A text block of so many tokens, told from others by its name. */
function block(name: string, tokens: number, marker?: object): object {
  const text = `${name} `.padEnd(tokens * 4, '.');
  return { type: 'text', text, ...(marker === undefined ? {} : { cache_control: marker }) };
}

type Params = Readonly<Record<string, unknown>>;

function params(content: unknown, more: Params = {}): Params {
  return { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content }], ...more };
}

interface Usage {
  readonly input: number;
  readonly written: number;
  readonly written5m: number;
  readonly written1h: number;
  readonly read: number;
}

function usageIn(message: unknown): Usage {
  const { usage } = message as { usage: Record<string, number> & { cache_creation: Record<string, number> } };
  return {
    input: usage['input_tokens'] ?? -1,
    written: usage['cache_creation_input_tokens'] ?? -1,
    written5m: usage.cache_creation['ephemeral_5m_input_tokens'] ?? -1,
    written1h: usage.cache_creation['ephemeral_1h_input_tokens'] ?? -1,
    read: usage['cache_read_input_tokens'] ?? -1,
  };
}

function send(what: Params, caller = by, path = '/v1/messages'): Promise<RawResponse> {
  return caller.post(path, what);
}

/** Even a refusal takes the simulator a moment. */
const refused = (what: Params): Promise<RawResponse> => server.whileTimePasses(send(what));

async function ask(what: Params, caller = by): Promise<Usage> {
  const response = await server.whileTimePasses(send(what, caller));
  expect(response.status, response.text).toBe(200);
  return usageIn(JSON.parse(response.text));
}

async function runBatch(items: readonly Item[], caller = by): Promise<readonly Usage[]> {
  const { id } = await create(caller, items);
  await server.finish(caller, id);
  return (await results(caller, id)).map(({ result }) => usageIn(result.type === 'succeeded' ? result.message : null));
}

test('94 a cold prompt writes its marked prefix, and a warm one reads it', async () => {
  const prompt = params([block('doc', 2000, MARK), block('q', 10)]);
  expect(await ask(prompt)).toEqual({ input: 10, written: 2000, written5m: 2000, written1h: 0, read: 0 });
  expect(await ask(prompt)).toEqual({ input: 10, written: 0, written5m: 0, written1h: 0, read: 2000 });
});

test('95 input, written and read sum to what count_tokens counts', async () => {
  const tools = [{ name: 'look', description: 'Looks.', input_schema: { type: 'object' }, cache_control: MARK }];
  const prompt = params([block('doc', 1500, MARK), block('q', 33)], { tools, system: [block('s', 1100, MARK)] });
  const counted = await server.whileTimePasses(
    send({ ...prompt, max_tokens: undefined }, by, '/v1/messages/count_tokens'),
  );
  const total = (JSON.parse(counted.text) as { input_tokens: number }).input_tokens;
  for (let i = 0; i < 2; i++) {
    const { input, written, read } = await ask(prompt);
    expect(input + written + read).toBe(total);
  }
});

test('96 a prefix a token short of the model’s least is not cached, without an error', async () => {
  for (const [model, least] of [
    ['claude-sonnet-4-5', 1024],
    ['claude-haiku-4-5', 4096],
    ['claude-opus-5-5', 512],
  ] as const) {
    const short = params([block('short', least - 1, MARK), block('q', 10)], { model });
    const enough = params([block('enough', least, MARK), block('q', 10)], { model });
    expect(await ask(short)).toMatchObject({ input: least + 9, written: 0, read: 0 });
    expect(await ask(enough)).toMatchObject({ input: 10, written: least, read: 0 });
  }
});

test('97 a marker finds what was written up to 19 blocks before it', async () => {
  const blocks = (count: number, ...marked: number[]): object[] =>
    Array.from({ length: count }, (_, i) => block(`b${i}`, 200, marked.includes(i) ? MARK : undefined));
  await ask(params([...blocks(10, 9), block('q', 10)]));
  expect(await ask(params(blocks(29, 28)))).toMatchObject({ read: 2000, written: 19 * 200 });
  await ask(params([block('other', 2000, MARK)]));
  const later = Array.from({ length: 20 }, (_, i) => block(`later${i}`, 10));
  const marked = [...later.slice(0, -1), block('end', 10, MARK)];
  expect(await ask(params([block('other', 2000), ...marked]))).toMatchObject({ read: 0 });
  expect(await ask(params([block('other', 2000, MARK), ...later, block('end2', 10, MARK)]))).toMatchObject({
    read: 2000,
  });
});

test('98 two cold prompts at once both write, and one after the first answer began reads', async () => {
  const prompt = params([block('doc', 4000, MARK), block('q', 10)]);
  const both = Promise.all([send(prompt), send(prompt)]);
  for (let i = 0; i < 10; i++) await server.advance(300);
  expect(await ask(prompt)).toMatchObject({ written: 0, read: 4000 });
  for (const response of await server.whileTimePasses(both)) {
    expect(usageIn(JSON.parse(response.text))).toMatchObject({ written: 4000, read: 0 });
  }
});

test.each([
  ['99 an entry lives five minutes from the start of its last use', MARK, 5 * MINUTE_MS],
  ['99 an entry of an hour lives an hour from the start of its last use', LONG_MARK, HOUR_MS],
] as const)('%s', async (_name, marker, lifeMs) => {
  const prompt = params([block('doc', 2000, marker), block('q', 10)]);
  await ask(prompt);
  // The call took some seconds, and they count.
  await server.advance(lifeMs - 10_000);
  expect(await ask(prompt)).toMatchObject({ read: 2000 });
  await server.advance(lifeMs - 10_000);
  expect(await ask(prompt)).toMatchObject({ read: 2000 });
  await server.advance(lifeMs);
  expect(await ask(prompt)).toMatchObject({ read: 0, written: 2000 });
});

test('100 another workspace, model, tool or tool_choice does not find what it must not', async () => {
  const tool = (description: string): object => ({
    name: 'look',
    description: description.padEnd(5000, '.'),
    input_schema: { type: 'object' },
    cache_control: MARK,
  });
  const system = [block('system', 1200, MARK)];
  const prompt = (more: Params): Params => params([block('doc', 1300, MARK), block('q', 10)], { system, ...more });
  const { written } = await ask(prompt({ tools: [tool('a')] }));
  const messages = 1300;
  expect(await ask(prompt({ tools: [tool('a')] }), server.k2)).toMatchObject({ read: 0, written });
  expect(await ask(prompt({ tools: [tool('a')], model: 'claude-sonnet-5' }))).toMatchObject({ read: 0 });
  expect(await ask(prompt({ tools: [tool('b')] }))).toMatchObject({ read: 0, written });
  expect(await ask(prompt({ tools: [tool('a')], tool_choice: { type: 'none' } }))).toMatchObject({
    read: written - messages,
    written: messages,
  });
});

test('101 a top-level cache_control marks the last block that can be marked', async () => {
  const prompt = params([block('doc', 2000), block('q', 10)], { cache_control: MARK });
  expect(await ask(prompt)).toMatchObject({ written: 2010, input: 0 });
  expect(await ask(params([block('doc', 2000), block('other', 10)], { cache_control: MARK }))).toMatchObject({
    read: 0,
  });
  // The same marker twice is one.
  expect(await ask(params([block('doc', 2000), block('q', 10, MARK)], { cache_control: MARK }))).toMatchObject({
    read: 2010,
  });
  const conflicting = params([block('doc', 2000, LONG_MARK)], { cache_control: MARK });
  expectError(await refused(conflicting), 400, 'invalid_request_error');
  const four = Array.from({ length: 4 }, (_, i) => block(`b${i}`, 300, MARK));
  expectError(await refused(params([...four, block('q', 10)], { cache_control: MARK })), 400, 'invalid_request_error');
});

test('102 an hour’s prefix and five minutes’ behind it are told apart', async () => {
  const prompt = (doc: string): Params =>
    params([block(doc, 9000, MARK), block('q', 40)], { system: [block('system', 6000, LONG_MARK)] });
  expect(await ask(prompt('one'))).toEqual({ input: 40, written: 15_000, written5m: 9000, written1h: 6000, read: 0 });
  expect(await ask(prompt('one'))).toMatchObject({ input: 40, written: 0, read: 15_000 });
  expect(await ask(prompt('two'))).toEqual({ input: 40, written: 9000, written5m: 9000, written1h: 0, read: 6000 });
});

test('103 a call for no output writes the cache, and cannot be streamed', async () => {
  const prompt = params([block('doc', 2000, MARK)], { max_tokens: 0 });
  const response = await server.whileTimePasses(send(prompt));
  expect(JSON.parse(response.text)).toMatchObject({
    content: [],
    stop_reason: 'max_tokens',
    usage: { output_tokens: 0 },
  });
  expect(await ask(params([block('doc', 2000, MARK), block('q', 10)]))).toMatchObject({ read: 2000 });
  expectError(await refused({ ...prompt, stream: true }), 400, 'invalid_request_error');
});

const item = (name: string, marker: object): Item => ({
  custom_id: name,
  params: params([block('doc', 2000, marker), block(name, 10)]),
});

test('104 in a batch that shares a prefix it is written once, and after a batch of one not at all', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `item-${i}`);
  const cold = await runBatch(names.map((name) => item(name, LONG_MARK)));
  expect(cold.filter(({ written }) => written === 2000)).toHaveLength(1);
  expect(cold.filter(({ read }) => read === 2000)).toHaveLength(19);

  const other = await server.newWorkspace();
  await runBatch([item('first', LONG_MARK)], other);
  const warm = await runBatch(
    names.map((name) => item(name, LONG_MARK)),
    other,
  );
  expect(warm.every(({ read }) => read === 2000)).toBe(true);
});

test('105 batches do not read what synchronous calls wrote, nor the reverse', async () => {
  await ask(params([block('doc', 2000, MARK), block('q', 10)]));
  expect(await runBatch([item('only', MARK)])).toMatchObject([{ written: 2000, read: 0 }]);
  await runBatch([{ custom_id: 'b', params: params([block('batch', 2000, MARK)]) }]);
  expect(await ask(params([block('batch', 2000, MARK)]))).toMatchObject({ written: 2000, read: 0 });
});

test.each([
  // Dollars per million tokens: input, written for five minutes, read, output.
  ['claude-opus-5-5', 4, 5, 0.2, 20],
  ['claude-fable-5-1', 10, 12.5, 0.25, 50],
] as const)('106 a batch of %s costs half of its own prices', async (model, input, write, read, output) => {
  const items = ['a', 'b', 'c'].map((name) => ({ custom_id: name, params: { ...item(name, MARK).params, model } }));
  const { id } = await create(by, items);
  await server.finish(by, id);
  const { ledger } = JSON.parse((await by.get(`/ext/v1/batches/${id}`)).text) as {
    readonly ledger: { readonly nano_usd: number; readonly tokens: { readonly output: number } };
  };
  const microUsd = 30 * input + 2000 * write + 4000 * read + ledger.tokens.output * output;
  expect(ledger.nano_usd).toBe((microUsd * 1000) / 2);
});
