import { describe, expect, it } from 'vitest';
import type { BatchService, CreateOutcome, ServiceError } from './batch-service.ts';
import {
  all,
  BASE,
  BATCH,
  bodyOf,
  errorReply,
  fakeApi,
  fetchFailure,
  GREETING,
  jsonReply,
  KEY,
  textOf,
  type FakeCall,
} from './fake-api.fixture.ts';
import { connectService, sdkClient } from './sdk-service.ts';

type Answer = (call: FakeCall) => Response | Promise<Response>;

const NOWHERE = (): Response => errorReply(404, 'not_found_error', 'Not found');

/** A service whose server is no Batchwright, unless it is asked for one. */
async function serviceOf(answer: Answer, options: { readonly greeting?: Answer; readonly apiKey?: string } = {}) {
  const { greeting = NOWHERE, ...client } = options;
  const api = fakeApi((call) => (call.url.pathname === '/ext/v1' ? greeting(call) : answer(call)), client);
  const service = await connectService(api.client, undefined, () => Promise.resolve());
  api.calls.splice(0);
  return { service, calls: api.calls };
}

const failureOf = async (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as ServiceError,
  );

const created = async (answer: Answer, pieces = ['{"requests":', '[1]}']): Promise<CreateOutcome> => {
  const { service } = await serviceOf(answer);
  return service.create(bodyOf(pieces));
};

describe('connecting', () => {
  it('tells the server’s clock from ours by its answers', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const { service } = await serviceOf(() => jsonReply(BATCH, 200, { date }));
    expect(service.aheadMs()).toBeNull();
    await service.retrieve(BATCH.id);
    expect(Math.abs((service.aheadMs() ?? 0) - 3_600_000)).toBeLessThan(60_000);
  });

  it('finds a Batchwright, and how it bills', async () => {
    const { service } = await serviceOf(NOWHERE, { greeting: () => jsonReply(GREETING) });
    expect(service).toMatchObject({ name: `Batchwright at ${BASE}`, hasBatchDiscount: true });
    expect(service.extras).not.toBeNull();
    const upstream = { name: 'messages', is_simulated: false };
    const asking = await serviceOf(NOWHERE, { greeting: () => jsonReply({ ...GREETING, upstream }) });
    expect(asking.service.hasBatchDiscount).toBe(false);
  });

  it.each<[string, Answer]>([
    ['has no such path', NOWHERE],
    ['answers something else', () => jsonReply({ ok: true })],
    ['answers a page', () => new Response('<html>')],
    ['refuses the path', () => errorReply(403, 'permission_error', 'no')],
    ['breaks over it', () => errorReply(500, 'api_error', 'no')],
    ['sends it away', () => new Response(null, { status: 302, headers: { location: 'https://login.example/' } })],
    ['lacks a capability', () => jsonReply({ ...GREETING, capabilities: ['events'] })],
  ])('takes for a plain API what %s', async (_, greeting) => {
    const { service } = await serviceOf(NOWHERE, { greeting });
    expect(service).toMatchObject({ name: BASE, extras: null, hasBatchDiscount: true });
  });

  it('never asks the hosted API what it is', async () => {
    const api = fakeApi(NOWHERE, { baseURL: 'https://api.anthropic.com' });
    const service = await connectService(api.client);
    expect(service).toMatchObject({ name: 'api.anthropic.com', extras: null });
    expect(api.calls).toEqual([]);
  });

  it.each<[string, Answer, RegExp]>([
    [
      'nobody answers',
      () => Promise.reject(fetchFailure('ECONNREFUSED')),
      /nothing answers at http:.*`batchwright serve`/,
    ],
    [
      'the key is wrong',
      () => errorReply(401, 'authentication_error', 'API key is invalid.'),
      /Check the key in ANTHROPIC_API_KEY/,
    ],
    ['it is overloaded', () => errorReply(529, 'overloaded_error', 'Overloaded'), /529 overloaded_error/],
    ['its proxy has lost it', () => new Response('<html>', { status: 502 }), /502/],
  ])('fails when %s, since nobody can tell then what it is', async (_, greeting, message) => {
    expect((await failureOf(serviceOf(NOWHERE, { greeting }))).message).toMatch(message);
  });

  it.each([
    ['localhost:4180', 'The base URL is "localhost:4180".'],
    ['nonsense', 'The base URL is "nonsense".'],
    ['http://me:secret@h:1', 'The base URL has a name or password in it.'],
    ['me:secret@h', 'The base URL is "…".'],
  ])('refuses %s as an address', async (baseURL, message) => {
    const error = await failureOf(connectService(fakeApi(NOWHERE, { baseURL }).client));
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('secret');
  });

  it('names what named the address, where that was no variable', async () => {
    const { client } = fakeApi(() => new Response('<html>', { status: 302, headers: { location: 'http://h:2/' } }));
    const service = await connectService(client, undefined, undefined, '--server');
    const error = await failureOf(service.retrieve('msgbatch_1'));
    expect(error.remedy).toContain('--server');
    expect(error.message).toBe(`${error.brief}. ${error.remedy}`);
    expect(error.message).not.toContain('ANTHROPIC_BASE_URL');
  });

  it('takes the key before the token', () => {
    expect(sdkClient({ baseUrl: BASE, apiKey: 'k', authToken: 't' })).toMatchObject({ apiKey: 'k', authToken: null });
    expect(sdkClient({ baseUrl: BASE, apiKey: '', authToken: 't' })).toMatchObject({ apiKey: null, authToken: 't' });
  });
});

describe('a create', () => {
  it('sends the body as it is, with its length, once', async () => {
    const { service, calls } = await serviceOf(() => jsonReply(BATCH));
    const outcome = await service.create(bodyOf(['{"requests":', '[“ü”]}'], { markers: 'auto' }));
    expect(outcome).toEqual({ type: 'created', batch: BATCH });
    expect(calls).toHaveLength(1);
    const [call] = calls;
    expect(call).toMatchObject({ method: 'POST', body: '{"requests":[“ü”]}' });
    expect(call!.url.href).toBe(`${BASE}/v1/messages/batches`);
    expect(call!.headers.get('content-length')).toBe('23');
    expect(call!.headers.get('content-type')).toBe('application/json');
    // Nobody but a Batchwright is asked for what only it has.
    expect(call!.headers.get('batchwright-options')).toBeNull();
  });

  it('asks a Batchwright for more in a header, whatever it holds', async () => {
    const { service, calls } = await serviceOf(() => jsonReply(BATCH), { greeting: () => jsonReply(GREETING) });
    await service.create(bodyOf(['{}'], { markers: 'auto', name: 'ü' }));
    expect(calls[0]!.headers.get('batchwright-options')).toBe('{"markers":"auto","name":"\\u00fc"}');
  });

  it.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
    [422, 'invalid_request_error'],
    [501, 'api_error'],
  ])('is refused by %s', async (status, type) => {
    expect(await created(() => errorReply(status, type, 'no'))).toMatchObject({
      type: 'refused',
      error: { status, type },
    });
  });

  it('is refused where it is sent elsewhere, and goes nowhere', async () => {
    const { service, calls } = await serviceOf(
      () => new Response(null, { status: 308, headers: { location: 'https://other.example/v1/messages/batches' } }),
    );
    const outcome = await service.create(bodyOf(['{}']));
    expect(outcome).toMatchObject({ type: 'refused', error: { status: 308 } });
    expect((outcome as { error: Error }).error.message).toContain('It points to https://other.example/');
    expect(calls).toHaveLength(1);
  });

  it.each<[number, string, Readonly<Record<string, string>>, number | null]>([
    [429, 'rate_limit_error', { 'retry-after': '7' }, 7000],
    [429, 'rate_limit_error', { 'retry-after-ms': '1500', 'retry-after': '7' }, 1500],
    [429, 'rate_limit_error', {}, null],
    [529, 'overloaded_error', { 'retry-after': '1.5' }, 1500],
    [503, 'overloaded_error', {}, null],
    [409, 'conflict_error', {}, null],
  ])('comes too early for %s %s %j', async (status, type, headers, retryAfterMs) => {
    expect(await created(() => errorReply(status, type, 'later', headers))).toMatchObject({
      type: 'not_now',
      retryAfterMs,
    });
  });

  it('reads a wait that is given as a date', async () => {
    const at = new Date(Date.now() + 3_600_000).toUTCString();
    const outcome = await created(() => errorReply(429, 'rate_limit_error', 'later', { 'retry-after': at }));
    expect(outcome.type === 'not_now' && outcome.retryAfterMs).toBeGreaterThan(3_500_000);
  });

  it('is refused at a spend cap, which no waiting lifts', async () => {
    const error = { type: 'rate_limit_error', message: 'cap', details: { error_code: 'enforced_spend_limit_reached' } };
    const outcome = await created(() => jsonReply({ type: 'error', error }, 429));
    expect(outcome).toMatchObject({
      type: 'refused',
      error: { message: expect.stringContaining('Raise the spend limit') },
    });
  });

  it.each<[string, Answer]>([
    ['500', () => errorReply(500, 'api_error', 'broken')],
    ['502 of a proxy', () => new Response('<html>', { status: 502 })],
    ['503 of a proxy', () => new Response('upstream connect error', { status: 503 })],
    ['504', () => errorReply(504, 'timeout_error', 'slow')],
    ['408', () => new Response('', { status: 408 })],
    ['200 that is no batch', () => jsonReply({ data: [] })],
    ['200 without JSON', () => new Response('<html>ok</html>')],
    ['200 with nothing', () => new Response('', { headers: { 'content-type': 'application/json' } })],
    ['a reset', () => Promise.reject(fetchFailure('ECONNRESET'))],
    ['a silence', () => Promise.reject(fetchFailure('UND_ERR_HEADERS_TIMEOUT'))],
    ['something unheard of', () => Promise.reject(new TypeError('fetch failed'))],
  ])('may have been made after %s', async (_, answer) => {
    expect((await created(answer)).type).toBe('unknown');
  });

  /** What comes of a create whose body nobody asked for. */
  const unsent = async (code: string) => {
    const fetch = async (input: unknown): Promise<Response> => {
      if (String(input).endsWith('/ext/v1')) return NOWHERE();
      throw fetchFailure(code);
    };
    const service = await connectService(fakeApi(NOWHERE).client.withOptions({ fetch }));
    return service.create(bodyOf(['a']));
  };

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])(
    'was not made, and may be later, after %s',
    async (code) => {
      expect((await unsent(code)).type).toBe('not_now');
    },
  );

  it.each([
    'EHOSTUNREACH',
    'ENETDOWN',
    'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
    'ERR_SSL_UNEXPECTED_EOF_WHILE_READING',
  ])('may have been made where %s came after all of the body', async (code) => {
    expect((await created(() => Promise.reject(fetchFailure(code)))).type).toBe('unknown');
  });

  it.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ])('was not made, and never will be, after %s', async (code) => {
    expect((await unsent(code)).type).toBe('refused');
  });

  it('was not made when the connection broke before the body’s end was handed out', async () => {
    const half: typeof fetch = async (input, init) => {
      if (String(input).endsWith('/ext/v1')) return NOWHERE();
      const reader = (init!.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      await reader.cancel();
      throw fetchFailure('ECONNRESET');
    };
    const client = fakeApi(NOWHERE).client.withOptions({ fetch: half });
    const service = await connectService(client);
    let isLetGo = false;
    const body = {
      ...bodyOf(['a', 'b']),
      async *pieces() {
        try {
          yield* bodyOf(['a', 'b']).pieces();
        } finally {
          isLetGo = true;
        }
      },
    };
    expect((await service.create(body)).type).toBe('not_now');
    expect(isLetGo).toBe(true);
  });

  it('rejects with what the body could not be made for', async () => {
    const { service } = await serviceOf(() => jsonReply(BATCH));
    const lost = new Error('the disk is gone');
    const body = {
      ...bodyOf(['ab', 'c']),
      async *pieces() {
        yield new Uint8Array(2);
        throw lost;
      },
    };
    await expect(service.create(body)).rejects.toBe(lost);
  });

  it.each([
    ['too short', ['a']],
    ['too long', ['aaa', 'b']],
  ])('asserts that a body is as long as it says, not %s', async (_, pieces) => {
    const { service } = await serviceOf(() => jsonReply(BATCH));
    await expect(service.create({ ...bodyOf(pieces), bytes: 3 })).rejects.toThrow(/a body of 3 bytes/);
  });

  it('rejects with the signal’s reason when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const { service } = await serviceOf(() => {
      controller.abort(reason);
      return Promise.reject(new DOMException('aborted', 'AbortError'));
    });
    await expect(service.create(bodyOf(['{}']), controller.signal)).rejects.toBe(reason);
    await expect(service.create(bodyOf(['{}']), controller.signal)).rejects.toBe(reason);
  });
});

describe('a read', () => {
  it('answers a batch, and when to ask again', async () => {
    const { service, calls } = await serviceOf(() => jsonReply(BATCH, 200, { 'retry-after': '10' }));
    expect(await service.retrieve('a/b')).toEqual({ batch: BATCH, retryAfterMs: 10_000 });
    expect(calls[0]!.url.pathname).toBe('/v1/messages/batches/a%2Fb');
  });

  it('takes times that are left out for none', async () => {
    const { archived_at: _, results_url: __, ...old } = BATCH;
    const { service } = await serviceOf(() => jsonReply(old));
    expect((await service.retrieve('a')).batch).toEqual(BATCH);
  });

  it.each([
    null,
    3,
    [],
    {},
    { ...BATCH, id: '' },
    { ...BATCH, processing_status: 'done' },
    { ...BATCH, request_counts: {} },
  ])('does not take %j for a batch', async (value) => {
    const { service } = await serviceOf(() => jsonReply(value));
    const error = await failureOf(service.retrieve('a'));
    expect(error.message).toMatch(
      /^Retrieving batch a failed: 200 with application\/json, which is no answer of the Message Batches API\. Check/,
    );
  });

  it('follows redirects within the origin, and none beyond it', async () => {
    const to = (location: string) => new Response(null, { status: 307, headers: { location } });
    const { service, calls } = await serviceOf(({ url }) =>
      url.pathname.endsWith('/x') ? jsonReply(BATCH) : to('/x'),
    );
    await service.retrieve('a');
    expect(calls.map(({ url }) => url.pathname)).toEqual(['/v1/messages/batches/a', '/x']);
    const away = await serviceOf(() => to('https://evil.example/x'));
    const error = await failureOf(away.service.retrieve('a'));
    expect(error).toMatchObject({
      status: 307,
      message: expect.stringContaining('It points to https://evil.example/x'),
    });
    expect(away.calls).toHaveLength(1);
    const round = await serviceOf(() => to('/v1/messages/batches/a'));
    expect(await failureOf(round.service.retrieve('a'))).toMatchObject({ status: 307 });
  });

  it('lists page by page, as far as it is asked to', async () => {
    const idOf = (number: number): string => `msgbatch_${number}`;
    const { service, calls } = await serviceOf(({ url }) => {
      const after = url.searchParams.get('after_id');
      const from = after === null ? 5 : Number(after.slice(9)) - 1;
      const data = [from, from - 1].filter((number) => number > 0).map((number) => ({ ...BATCH, id: idOf(number) }));
      return jsonReply({ data, has_more: from > 2, first_id: null, last_id: null });
    });
    expect((await all(service.newest())).map(({ id }) => id)).toEqual([5, 4, 3, 2, 1].map(idOf));
    expect(calls).toHaveLength(3);
    for await (const batch of service.newest()) if (batch.id === idOf(5)) break;
    expect(calls).toHaveLength(4);
  });

  it('does not list for ever what repeats itself', async () => {
    const { service } = await serviceOf(() => jsonReply({ data: [BATCH], has_more: true }));
    expect(await all(service.newest())).toHaveLength(2);
    const empty = await serviceOf(() => jsonReply({ data: [], has_more: true }));
    expect(await all(empty.service.newest())).toEqual([]);
  });

  it.each([
    ['waits a little by itself', '0.01', 2],
    ['tells of a long wait at once', '3600', 1],
  ])('%s', async (_, retryAfter, asked) => {
    let nth = 0;
    const api = fakeApi(({ url }) => {
      if (url.pathname === '/ext/v1') return NOWHERE();
      return nth++ === 0
        ? errorReply(429, 'rate_limit_error', 'later', { 'retry-after': retryAfter })
        : jsonReply(BATCH);
    });
    const service = await connectService(api.client.withOptions({ maxRetries: 2 }));
    const outcome = await service.retrieve('a').catch((error: unknown) => error as ServiceError);
    expect(nth).toBe(asked);
    if (asked === 1) expect(outcome).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
  });

  it('cancels and deletes', async () => {
    const { service, calls } = await serviceOf(({ method }) =>
      jsonReply(
        method === 'DELETE' ? { id: 'a', type: 'message_batch_deleted' } : { ...BATCH, processing_status: 'canceling' },
      ),
    );
    expect((await service.cancel('a')).processing_status).toBe('canceling');
    await service.delete('a');
    expect(calls.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
      'POST /v1/messages/batches/a/cancel',
      'DELETE /v1/messages/batches/a',
    ]);
  });

  it('lets go of the signal, however many calls it was for', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners -= 1;
      remove(...args);
    };
    const { service } = await serviceOf(({ url }) =>
      url.pathname.endsWith('/results')
        ? new Response('{}\n')
        : jsonReply({ ...BATCH, results_url: '/v1/messages/batches/a/results' }),
    );
    await service.retrieve('a', signal);
    await textOf(service.results('a', signal));
    for await (const _ of service.results('a', signal)) break;
    expect(listeners).toBe(0);
  });
});

describe('results', () => {
  const resultsOf = async (resultsUrl: string | null, baseURL = BASE): Promise<readonly string[]> => {
    const api = fakeApi(
      ({ url }) => {
        if (url.pathname === '/ext/v1') return NOWHERE();
        return url.pathname.endsWith('results')
          ? new Response('{}\n')
          : jsonReply({ ...BATCH, results_url: resultsUrl });
      },
      { baseURL },
    );
    const service = await connectService(api.client);
    expect(await textOf(service.results('msgbatch_1'))).toBe('{}\n');
    return api.calls.slice(-1).map(({ url }) => url.href);
  };
  const USUAL = `/v1/messages/batches/${BATCH.id}/results`;

  it.each([
    ['is on the same origin', `${BASE}/files/results`, `${BASE}/files/results`],
    ['is a path', '/files/results', `${BASE}/files/results`],
    ['is another host', 'https://evil.example/results', `${BASE}${USUAL}`],
    ['is another port', 'http://127.0.0.1:4181/results', `${BASE}${USUAL}`],
    ['is another scheme', 'https://127.0.0.1:4180/results', `${BASE}${USUAL}`],
    ['hides another host', '//evil.example/results', `${BASE}//evil.example/results`],
    ['is no URL', 'results', `${BASE}${USUAL}`],
    ['is missing', null, `${BASE}${USUAL}`],
  ])('are asked for where the key belongs when the address %s', async (_, resultsUrl, expected) => {
    expect(await resultsOf(resultsUrl)).toEqual([expected]);
  });

  it('are below the base URL’s own path', async () => {
    expect(await resultsOf(null, `${BASE}/anthropic`)).toEqual([`${BASE}/anthropic${USUAL}`]);
  });

  it('reject when they break off', async () => {
    const { service } = await serviceOf(({ url }) => {
      if (!url.pathname.endsWith('/results')) return jsonReply(BATCH);
      let pulls = 0;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) =>
          pulls++ === 0
            ? controller.enqueue(new TextEncoder().encode('{}\n{"cus'))
            : controller.error(new TypeError('terminated')),
      });
      return new Response(body);
    });
    const seen: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of service.results('msgbatch_1')) seen.push(piece);
    })();
    expect(await failureOf(reading)).toMatchObject({
      status: null,
      message: `Reading the results of batch msgbatch_1 failed: the connection to ${BASE} was cut.`,
    });
    expect(seen).toHaveLength(1);
  });
});

describe('an error', () => {
  const told = async (
    answer: Answer,
    call = (service: BatchService): Promise<unknown> => service.retrieve('msgbatch_1'),
  ) => (await failureOf(call((await serviceOf(answer)).service))).message;

  it('says what was asked, what was answered, and what helps', async () => {
    expect(await told(() => errorReply(401, 'authentication_error', 'API key is invalid.'))).toBe(
      'Retrieving batch msgbatch_1 failed: 401 authentication_error: API key is invalid (req_1). Check the key in ANTHROPIC_API_KEY.',
    );
    expect(await told(() => errorReply(404, 'not_found_error', 'Message Batch msgbatch_1 not found.'))).toMatch(
      /404 not_found_error: Message Batch msgbatch_1 not found \(req_1\)\. It may be deleted, or of another workspace\.$/,
    );
    expect(await told(() => new Response('<html><h1>Not here', { status: 404 }))).toBe(
      `Retrieving batch msgbatch_1 failed: 404: a web page instead of a reason. The server at ${BASE} has no Message Batches API there: check ANTHROPIC_BASE_URL.`,
    );
    expect(await told(() => new Response('', { status: 500 }))).toBe(
      'Retrieving batch msgbatch_1 failed: 500: no reason was given.',
    );
  });

  it('of a server without batches says that, and when the base URL has one /v1 too many', async () => {
    const list = async (baseURL: string): Promise<string> => {
      const service = await connectService(fakeApi(NOWHERE, { baseURL }).client);
      return (await failureOf(all(service.newest()))).message;
    };
    expect(await list(BASE)).toContain('has no Message Batches API there');
    expect(await list(`${BASE}/v1`)).toContain('Leave /v1 off ANTHROPIC_BASE_URL');
  });

  it('never holds the key, wherever it was repeated', async () => {
    const shown = async (answer: Answer, apiKey = KEY): Promise<string> => {
      const { service } = await serviceOf(answer, { apiKey });
      const error = await failureOf(service.retrieve('a'));
      let text = '';
      for (let next: unknown = error; next instanceof Error; next = next.cause)
        text += `${next.message}\n${next.stack}\n`;
      return text + JSON.stringify(error);
    };
    expect(await shown(() => errorReply(401, 'authentication_error', `invalid x-api-key: ${KEY}`))).not.toContain(KEY);
    expect(await shown(() => new Response(`no: Bearer ${KEY}`, { status: 403 }))).not.toContain(KEY);
    expect(await shown(() => Promise.reject(new TypeError(`bad header ${KEY}`)))).not.toContain(KEY);
    expect(await shown(() => errorReply(401, 'authentication_error', 'who is sk-other-one-1234?'))).not.toContain(
      'sk-other',
    );
    expect(await shown(() => errorReply(401, 'authentication_error', 'no such key: plain'), 'plain')).not.toContain(
      'plain',
    );
  });

  it('says nothing that a terminal would obey, and stays on its line', async () => {
    const hostile = '\u001b]0;title\u0007\u009b2J\u202e\nbatchwright: all is well';
    const message = await told(() => errorReply(400, 'invalid_request_error', hostile));
    expect(message).toContain('·]0;title··2J· batchwright: all is well');
    expect(message).not.toMatch(/\p{Cc}|\u202e/u);
  });

  it('tells a key that cannot be sent from one that is wrong', async () => {
    const apiKey = 'sk-ant-a\nsk-ant-bcdefghij';
    const error = await failureOf(connectService(fakeApi(NOWHERE, { apiKey }).client));
    expect(error.message).toMatch(/^Connecting failed: .*check ANTHROPIC_API_KEY for stray characters\.$/);
    expect(`${error.message}${String((error.cause as Error | undefined)?.stack)}`).not.toMatch(/sk-ant-a|bcdefghij/);
  });
});
