import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchResult } from '@batchwright/protocol';
import { BATCHES, create, item, resultsById, rowsOf } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import {
  message,
  startScriptedUpstream,
  type ScriptedAnswer,
  type ScriptedUpstream,
} from '../harness/scripted-upstream.ts';
import { SDK_NAMES, collect, sdkClient } from '../harness/sdk-clients.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * Conformance, items 72, 74, 75 and 90 over HTTP: what another server answered arrives in the rows as it was sent. Here
 * the clock is the real one, since a real upstream cannot live in virtual time.
 */
const ODD_TEXT = 'line one\nline two\r\n\u2028\u2029\u0085 "quoted" \\ \u0000 \ud83d\ude00 déjà vu';

const SCRIPT: Readonly<Record<string, ScriptedAnswer>> = {
  odd: { body: message(ODD_TEXT) },
  // Spread over lines and with raw separators in its strings, as some servers send JSON.
  pretty: { body: JSON.stringify(message(ODD_TEXT), null, 2).replaceAll('\\u2028', '\u2028') },
  refusal: {
    body: message('', { content: [], stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'bio' } }),
  },
  max_tokens: { body: message('cut', { stop_reason: 'max_tokens' }) },
  pause_turn: { body: message('more to come', { stop_reason: 'pause_turn' }) },
  unknown_keys: { body: message('x', { something_new: { nested: [1, 2.5, 1e400] } }) },
  no_tier: { body: message('x', { usage: { input_tokens: 1, output_tokens: 1 } }) },
  rejected: {
    status: 400,
    body: {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'messages: not today' },
      request_id: 'req_u',
    },
  },
  foreign_error: { status: 422, body: { error: { message: 'tokens must be positive', type: 'BadRequestError' } } },
};

let upstream: ScriptedUpstream;
let server: TestServer;
let by: Caller;
let id: string;
let byId: ReadonlyMap<string, BatchResult>;

beforeAll(async () => {
  upstream = await startScriptedUpstream((prompt) => SCRIPT[prompt] ?? { status: 404, body: {} });
  server = await startTestServer({ clock: 'real', upstream: { type: 'messages', baseUrls: [upstream.url] } });
  by = server.k1a;
  const requests = Object.keys(SCRIPT).map((name) => item(name, { messages: [{ role: 'user', content: name }] }));
  id = (await create(by, requests)).id;
  await server.finish(by, id);
  byId = await resultsById(by, id);
});
afterAll(async () => {
  await server.close();
  await upstream.close();
});

function succeeded(name: string): { readonly [key: string]: unknown } {
  const result = byId.get(name);
  if (result?.type !== 'succeeded') throw new Error(`${name} is ${JSON.stringify(result)}`);
  return result.message as { readonly [key: string]: unknown };
}

describe('a message', () => {
  test('72 lines have no blank among them and no byte order mark, and parse one by one', async () => {
    const response = await by.get(`${BATCHES}/${id}/results`);
    expect(response.bytes[0]).toBe('{'.charCodeAt(0));
    expect(response.bytes.at(-1)).toBe('\n'.charCodeAt(0));
    expect(response.bytes.includes('\r')).toBe(false);
    expect(response.bytes.includes('\n\n')).toBe(false);
    expect(new TextDecoder('utf-8', { fatal: true }).decode(response.bytes)).toBe(response.text);
    expect(rowsOf(response)).toHaveLength(Object.keys(SCRIPT).length);
  });

  test.each(['odd', 'pretty'])('72 text with newlines, separators and emoji survives: %s', (name) => {
    expect(succeeded(name)['content']).toEqual([{ type: 'text', text: ODD_TEXT }]);
  });

  test.each(SDK_NAMES)('72 %s reads such text', async (name) => {
    const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key });
    const rows = await collect(await batches.results(id));
    const row = rows.find(({ custom_id }) => custom_id === 'odd');
    expect(row?.result).toMatchObject({ message: { content: [{ type: 'text', text: ODD_TEXT }] } });
  });

  test('74 every row says that it was served at the batch tier', () => {
    for (const name of ['odd', 'pretty', 'refusal', 'no_tier']) {
      expect(succeeded(name)['usage'], name).toMatchObject({ service_tier: 'batch' });
    }
  });

  test('74 keys that the server does not know pass through untouched', async () => {
    const { text } = await by.get(`${BATCHES}/${id}/results`);
    expect(succeeded('unknown_keys')).toHaveProperty('something_new');
    expect(text).toContain('"something_new":{"nested":[1,2.5,');
  });

  test.each(['refusal', 'max_tokens', 'pause_turn'])('90 that stopped for %s has succeeded', (reason) => {
    expect(succeeded(reason)).toMatchObject({ stop_reason: reason });
  });
});

describe('an error', () => {
  test('75 of the API arrives with its words', () => {
    expect(byId.get('rejected')).toMatchObject({
      type: 'errored',
      error: { type: 'error', error: { type: 'invalid_request_error', message: 'messages: not today' } },
    });
  });

  test('75 in another shape is put into the API\u2019s', () => {
    expect(byId.get('foreign_error')).toMatchObject({
      type: 'errored',
      error: { type: 'error', error: { type: 'invalid_request_error', message: 'tokens must be positive' } },
    });
  });
});
