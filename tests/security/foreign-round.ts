import { randomBytes, randomUUID } from 'node:crypto';
import { makeId } from '@batchwright/protocol';
import fc from 'fast-check';
import { ROUTES } from '../../packages/server/src/http/routes.ts';
import { BATCHES, cancel, create, createRunning, item, itemTaking, list } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { raw, type RawRequest, type RawResponse } from '../harness/raw-http.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** What came of asking for another workspace's things, each time beside the same question about nothing. */
export interface ForeignReport {
  readonly violations: readonly string[];
  /** Questions asked, each as two calls. */
  readonly questions: number;
}

/**
 * Asks `count` questions about the batches of another workspace, drawn from a seed: any route of the table, with foreign
 * ids, custom_ids and cursors wherever one fits. Whatever is asked, the answer is byte for byte that to the same question
 * about what never was, nothing of the other workspace stands in it, and nothing there has changed.
 */
export async function foreignRound(seed: number, count: number): Promise<ForeignReport> {
  const server = await startTestServer({ simulatorProfile: 'instant' });
  try {
    const own = await makeOwn(server);
    const foreign = await makeForeign(server);
    const before = await standOf(server.k2, foreign);
    const violations: string[] = [];
    for (const question of fc.sample(questions(own, foreign), { numRuns: count, seed })) {
      violations.push(...(await findDifference(server, question, foreign)));
    }
    if ((await standOf(server.k2, foreign)) !== before) violations.push('the other workspace is not as it was');
    return { violations, questions: count };
  } finally {
    await server.close();
  }
}

/** What the other workspace has. */
interface Foreign {
  /** One in each stage of a batch's life. */
  readonly ids: readonly string[];
  /** Into the results of the first. */
  readonly cursor: string;
  /** Its only request. */
  readonly customId: string;
  /** Texts that only the other workspace knows. */
  readonly secrets: readonly string[];
}

/** Asked once with what is foreign and once with what is not there, `swaps` telling which is which. */
interface Question {
  readonly call: RawRequest;
  readonly swaps: readonly (readonly [foreign: string, missing: string])[];
}

async function makeForeign(server: TestServer): Promise<Foreign> {
  const by = server.k2;
  const secret = randomUUID();
  const customId = `foreign-${randomUUID()}`;
  const secretItem = item(customId, { messages: [{ role: 'user', content: secret }] });
  const ended = await create(by, [secretItem]);
  await server.finish(by, ended.id);
  const deleted = await create(by, [secretItem]);
  await server.finish(by, deleted.id);
  await by.delete(`${BATCHES}/${deleted.id}`);
  const running = await createRunning(server, by, [itemTaking('endless', 36_000_000)]);
  const canceling = await createRunning(server, by, [itemTaking('endless', 36_000_000)]);
  await cancel(by, canceling.id);
  const page = await by.get(`/ext/v1/batches/${ended.id}/results`);
  const ids = [ended.id, deleted.id, running.id, canceling.id];
  return { ids, cursor: String(page.headers['batchwright-cursor']), customId, secrets: [secret, customId, ...ids] };
}

/** A batch of the caller's own, so that a foreign cursor or custom_id has something to be asked of. */
async function makeOwn(server: TestServer): Promise<string> {
  const { id } = await create(server.k1a, [item('own')]);
  await server.finish(server.k1a, id);
  return id;
}

/** What the other workspace sees of its own and what time alone does not change. */
async function standOf(by: Caller, { ids: [ended = '', deleted = ''] }: Foreign): Promise<string> {
  const paths = [
    `${BATCHES}/${ended}`,
    `${BATCHES}/${ended}/results`,
    `/ext/v1/batches/${ended}`,
    `${BATCHES}/${deleted}`,
  ];
  const answers = await Promise.all(paths.map((path) => by.get(path)));
  const { data } = await list(by);
  return [
    ...answers.map((answer) => answer.text.replaceAll(/req_\w+/g, 'REQUEST')),
    ...data.map(({ id, cancel_initiated_at: canceledAt }) => `${id} ${canceledAt}`),
  ].join('\n');
}

const missingBatch = (): string => makeId('batch', (length) => randomBytes(length));

function questions(own: string, foreign: Foreign): fc.Arbitrary<Question> {
  // The same length as what is foreign: nothing but its being there may make a difference.
  const missing = foreign.ids.map(missingBatch);
  const missingCustomId = `foreign-${randomUUID()}`;
  const missingCursor = Buffer.from(foreign.cursor, 'base64url').map((byte) => byte ^ 0x55);
  const swaps = [
    ...foreign.ids.map((id, i) => [id, missing[i] ?? ''] as const),
    [foreign.customId, missingCustomId] as const,
    [foreign.cursor, Buffer.from(missingCursor).toString('base64url')] as const,
  ];
  const id = fc.constantFrom(...foreign.ids);
  const anything = fc.constantFrom(...swaps.map(([theirs]) => theirs));
  const query = fc.array(
    fc.tuple(
      fc.constantFrom('after_id', 'before_id', 'cursor', 'limit', 'wait', 'include', 'from', 'to', 'x'),
      fc.oneof({ weight: 4, arbitrary: anything }, fc.constantFrom('', '1', '0', 'none')),
    ),
    { maxLength: 2 },
  );
  const body = fc.oneof(
    fc.constantFrom('', '{}', '{"usd":"1"}', '{"usd":null}', '{"types":["errored"]}', '[', '{"x":1}'),
    anything.map((text) => JSON.stringify({ id: text, batch_id: text, custom_id: text })),
    anything.map((text) => JSON.stringify({ model: text, max_tokens: 1, messages: [] })),
  );
  const headers = fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    { 'batchwright-options': '{"counts":"strict"}' },
    { 'last-event-id': '1' },
    { 'accept-encoding': 'gzip' },
  );
  return fc
    .record({
      route: fc.constantFrom(...ROUTES.filter((route) => route.access === 'caller')),
      method: fc.constantFrom('as it is', 'as it is', 'as it is', 'HEAD', 'GET', 'POST', 'DELETE', 'PUT'),
      batch: fc.oneof({ weight: 5, arbitrary: id }, fc.constant(own)),
      customId: fc.constantFrom(foreign.customId, 'own'),
      model: anything,
      query,
      body,
      headers,
    })
    .map((drawn) => {
      const { route } = drawn;
      const path = route.path
        .replace('{message_batch_id}', drawn.batch)
        .replace('{custom_id}', drawn.customId)
        .replace('{model_id}', drawn.model);
      const asked = drawn.query.map(([name, value]) => `${name}=${value}`).join('&');
      const method = drawn.method === 'as it is' ? route.method : drawn.method;
      // What is the caller's own may be created, canceled and deleted, and each makes a difference to the next question.
      const isHarmless = drawn.batch !== own || ['GET', 'HEAD'].includes(method);
      const call = {
        method: isHarmless ? method : 'GET',
        path: asked === '' ? path : `${path}?${asked}`,
        headers: drawn.headers,
        ...(method === 'POST' && isHarmless ? { body: drawn.body } : {}),
      };
      return { call, swaps };
    });
}

async function findDifference(
  server: TestServer,
  { call, swaps }: Question,
  { secrets }: Foreign,
): Promise<readonly string[]> {
  const swapped = (text: string): string => swaps.reduce((said, [theirs, none]) => said.replaceAll(theirs, none), text);
  const other = {
    ...call,
    path: swapped(call.path),
    ...(call.body === undefined ? {} : { body: swapped(String(call.body)) }),
  };
  const [theirs, none] = await Promise.all([ask(server, call), ask(server, other)]);
  const said = call.path + String(call.body ?? '');
  const told = secrets.filter((secret) => !said.includes(secret) && theirs.includes(secret));
  const place = `${call.method ?? ''} ${call.path} ${String(call.body ?? '')}`;
  return [
    ...(swapped(theirs) === none ? [] : [`${place}: ${theirs}\n  but of what is not there: ${none}`]),
    ...told.map((secret) => `${place} tells ${secret}: ${theirs}`),
  ];
}

/** The whole answer as text, without what rightly differs from one call to the next. */
async function ask(server: TestServer, call: RawRequest): Promise<string> {
  const headers = { 'x-api-key': server.k1a.key, 'anthropic-version': '2023-06-01', ...call.headers };
  const answer = await server.whileTimePasses(raw(server.url, { ...call, headers }));
  return textOf(answer);
}

const CHANGING = ['date', 'request-id', 'anthropic-ratelimit'];

function textOf({ status, headers, text }: RawResponse): string {
  const requestId = String(headers['request-id']);
  const kept = Object.entries(headers).filter(([name]) => !CHANGING.some((changing) => name.startsWith(changing)));
  return `${status} ${JSON.stringify(kept)} ${text.replaceAll(requestId, 'REQUEST')}`;
}
