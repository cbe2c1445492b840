import { systemClock } from '@batchwright/core';
import { createSimulator } from '@batchwright/simulator';
import { describe, expect, it } from 'vitest';
import { ask, createBody, MemoryReader, startRoom, type Ask, type Stage, type TestRoom } from '../http.fixture.ts';
import { addBilledBatch } from '../billed-batch.fixture.ts';
import { EventReader } from '../event-reader.fixture.ts';
import { ROUTES } from '../routes.ts';
import { requestTaking, startWholeServer } from '../whole-server.fixture.ts';
import { openapiDocument } from './document.ts';
import type { Schema, SchemaType } from './schema.ts';

const described = openapiDocument();

describe('the OpenAPI description', () => {
  it('describes every route of the table, and nothing else', () => {
    const inTable = ROUTES.map((route) => `${route.method} ${route.path}`);
    const inDocument = Object.entries(described.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(inDocument.toSorted()).toEqual(inTable.toSorted());
  });

  it('names every parameter of a path', () => {
    for (const [path, item] of Object.entries(described.paths)) {
      for (const operation of Object.values(item)) {
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
        const named = (operation.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name);
        expect(named).toEqual(inPath);
      }
    }
  });

  it('refers only to schemas it has, and uses each of them', () => {
    const used = new Set([...JSON.stringify(described).matchAll(/#\/components\/schemas\/(\w+)/g)].map((m) => m[1]));
    expect([...used].toSorted()).toEqual(Object.keys(described.components.schemas).toSorted());
  });

  it('gives every operation its own id', () => {
    const ids = Object.values(described.paths).flatMap((item) => Object.values(item).map((o) => o.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is served', async () => {
    const room = await startRoom();
    const answer = await ask(room, { path: '/openapi.json', key: null });
    expect(answer.body).toEqual(JSON.parse(JSON.stringify(described)));
  });
});

describe('real responses are as described', () => {
  it.each<[string, string, (room: TestRoom) => Ask | Promise<Ask>]>([
    ['a created batch', 'MessageBatch', () => ({ method: 'POST', path: '/v1/messages/batches', body: createBody(2) })],
    ['a running batch', 'MessageBatch', async (room) => ({ path: await pathOf(room, 'in_progress') })],
    ['an ended batch', 'MessageBatch', async (room) => ({ path: await pathOf(room, 'ended') })],
    [
      'a canceling batch',
      'MessageBatch',
      async (room) => ({ method: 'POST', path: `${await pathOf(room, 'in_progress')}/cancel` }),
    ],
    ['a deletion', 'DeletedMessageBatch', async (room) => ({ method: 'DELETE', path: await pathOf(room, 'ended') })],
    ['an empty page', 'MessageBatchPage', () => ({ path: '/v1/messages/batches' })],
    ['a page', 'MessageBatchPage', async (room) => (await pathOf(room, 'ended'), { path: '/v1/messages/batches' })],
    ['an estimate', 'BatchEstimate', () => ({ method: 'POST', path: '/ext/v1/estimate', body: createBody(2) })],
    ['an estimate with warnings', 'BatchEstimate', () => estimateOf('claude-sonnet-4-5')],
    ['an estimate without a price', 'BatchEstimate', () => estimateOf('my-model')],
    ['details of a running batch', 'BatchDetails', async (room) => ({ path: await detailsOf(room, 'in_progress') })],
    ['details of an ended batch', 'BatchDetails', async (room) => ({ path: await detailsOf(room, 'ended') })],
    ['details of a batch without a price', 'BatchDetails', async (room) => ({ path: await unpricedDetails(room) })],
    ['usage', 'Usage', async (room) => (await detailsOf(room, 'ended'), { path: '/ext/v1/usage' })],
    ['no usage', 'Usage', () => ({ path: '/ext/v1/usage' })],
    ['health', 'Health', () => ({ path: '/healthz' })],
    ['readiness', 'Readiness', () => ({ path: '/readyz' })],
    ['a missing batch', 'ErrorEnvelope', () => ({ path: '/v1/messages/batches/x' })],
    ['a missing key', 'ErrorEnvelope', () => ({ path: '/v1/messages/batches', key: null })],
    ['a wrong path', 'ErrorEnvelope', () => ({ path: '/nowhere' })],
    ['a refused body', 'ErrorEnvelope', () => ({ method: 'POST', path: '/v1/messages/batches', body: '[' })],
  ])('%s is a %s', async (_name, schema, call) => {
    const room = await startRoom();
    const answer = await ask(room, await call(room));
    expect(faults(answer.body, ref(schema), '$')).toEqual([]);
  });

  it('the simulated models are a ModelPage', async () => {
    const simulator = createSimulator({ clock: systemClock({ now: Date.now, setTimeout, clearTimeout }), seed: 1 });
    const room = await startRoom();
    room.upstream.script = (call, events) => void simulator.handle(call, events);
    const answer = await ask(room, { path: '/v1/models' });
    expect(faults(answer.body, ref('ModelPage'), '$')).toEqual([]);
  });

  it('what bulk runs use is as described, too', async () => {
    const server = await startWholeServer();
    await server.faults({ kind: 'bad_request', match: { custom_id: 'b' } });
    const id = await server.create(['a', 'b'].map((name) => requestTaking(name, 1000)));
    const path = `/ext/v1/batches/${id}`;
    const check = async (schema: string, asked: Parameters<typeof server.ask>[0]): Promise<void> => {
      const { status, body, text } = await server.ask(asked);
      expect(status, text).toBe(200);
      expect(faults(body, ref(schema), '$')).toEqual([]);
    };
    await check('Server', { path: '/ext/v1' });
    await check('StoredRequest', { path: `${path}/requests/a?include=none` });
    await check('StoredRequest', { path: `${path}/requests/a` });
    await server.advance(3_600_000);
    await check('StoredRequest', { path: `${path}/requests/a` });
    await check('StoredRequest', { path: `${path}/requests/b` });
    await check('BatchRerun', { method: 'POST', path: `${path}/rerun`, body: { types: ['errored'] } });
    const events = new EventReader(await server.open({ path: `${path}/events` }));
    expect(faults((await events.next())?.data, ref('BatchProgress'), '$')).toEqual([]);
    expect(faults((await events.next())?.data, ref('MessageBatch'), '$')).toEqual([]);
  });

  it('result lines are ResultLines', async () => {
    const lines = [
      { custom_id: 'a', result: { type: 'succeeded', message: { type: 'message' } } },
      {
        custom_id: 'b',
        result: {
          type: 'errored',
          error: { type: 'error', error: { type: 'api_error', message: 'm' }, request_id: null },
        },
      },
      { custom_id: 'c', result: { type: 'canceled' } },
      { custom_id: 'd', result: { type: 'expired' } },
    ];
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, 'ended');
    room.results.set(
      batch.id,
      new MemoryReader(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))),
    );
    const answer = await ask(room, { path: `/v1/messages/batches/${batch.id}/results` });
    for (const line of answer.text.trimEnd().split('\n')) {
      expect(faults(JSON.parse(line), ref('ResultLine'), '$')).toEqual([]);
    }
  });

  it.each([
    ['a missing key', { type: 'error', request_id: null }],
    ['an extra key', { type: 'error', error: { type: 'api_error', message: '' }, request_id: null, more: 1 }],
    ['a wrong constant', { type: 'fault', error: { type: 'api_error', message: '' }, request_id: null }],
    ['a value outside the list', { type: 'error', error: { type: 'oops', message: '' }, request_id: null }],
    ['a wrong type', { type: 'error', error: { type: 'api_error', message: 1 }, request_id: null }],
  ])('and the validator of this test sees %s', (_name, value) => {
    expect(faults(value, ref('ErrorEnvelope'), '$')).not.toEqual([]);
  });
});

async function pathOf(room: TestRoom, stage: Stage): Promise<string> {
  return `/v1/messages/batches/${(await room.addBatch(room.workspaces.w1, stage)).id}`;
}

/** Of requests that share a system prompt which is long enough to be cached, without a marker. */
function estimateOf(model: string): Ask {
  const params = { model, max_tokens: 8, system: 'x'.repeat(8000), messages: [{ role: 'user', content: 'hi' }] };
  const requests = ['a', 'b'].map((custom_id) => ({ custom_id, params }));
  return { method: 'POST', path: '/ext/v1/estimate', body: JSON.stringify({ requests }) };
}

async function detailsOf(room: TestRoom, stage: Stage, model = 'claude-sonnet-4-5'): Promise<string> {
  const batch = await addBilledBatch(room, stage, model);
  return `/ext/v1/batches/${batch.id}`;
}

const unpricedDetails = (room: TestRoom): Promise<string> => detailsOf(room, 'in_progress', 'some-model');

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** Where a value departs from a schema, of the kinds of schema that the description uses. */
function faults(value: unknown, given: Schema, at: string): string[] {
  const schema = given.$ref === undefined ? given : described.components.schemas[given.$ref.split('/').at(-1) ?? ''];
  if (schema === undefined) return [`${at}: no schema ${given.$ref}`];
  if (schema.oneOf !== undefined) {
    const fitting = schema.oneOf.filter((option) => faults(value, option, at).length === 0).length;
    return fitting === 1 ? [] : [`${at}: fits ${fitting} of ${schema.oneOf.length}`];
  }
  const found: string[] = [];
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOfType(value, type as SchemaType))) found.push(`${at}: not ${types}`);
  if (schema.const !== undefined && value !== schema.const) found.push(`${at}: not ${schema.const}`);
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) found.push(`${at}: not of the list`);
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(String(value)))
    found.push(`${at}: pattern`);
  if (schema.minimum !== undefined && Number(value) < schema.minimum) found.push(`${at}: below ${schema.minimum}`);
  if (schema.format === 'date-time' && value !== null && Number.isNaN(Date.parse(String(value))))
    found.push(`${at}: time`);
  if (Array.isArray(value) && schema.items !== undefined) {
    value.forEach((item, i) => found.push(...faults(item, schema.items as Schema, `${at}[${i}]`)));
  }
  if (isOfType(value, 'object')) found.push(...objectFaults(value as Record<string, unknown>, schema, at));
  return found;
}

function objectFaults(value: Record<string, unknown>, schema: Schema, at: string): string[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => `${at}.${key}: missing`);
  const extra = Object.keys(value)
    .filter((key) => additionalProperties === false && !Object.hasOwn(properties, key))
    .map((key) => `${at}.${key}: extra`);
  const inner = Object.entries(properties)
    .filter(([key]) => Object.hasOwn(value, key))
    .flatMap(([key, property]) => faults(value[key], property, `${at}.${key}`));
  return [...missing, ...extra, ...inner];
}

function isOfType(value: unknown, type: SchemaType): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}
