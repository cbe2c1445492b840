import { describe, expect, it } from 'vitest';
import { all, BATCH, errorReply, fakeApi, GREETING, jsonReply, type FakeCall } from './fake-api.fixture.ts';
import { connectService } from './sdk-service.ts';

const ENDED = {
  ...BATCH,
  processing_status: 'ended',
  request_counts: { ...BATCH.request_counts, processing: 0, succeeded: 2 },
};
const DETAILS = {
  type: 'batch_details',
  batch: BATCH,
  progress: { results_per_second: 1.6, eta: '2026-11-21T09:31:35.000000Z' },
  ledger: { nano_usd: 42 },
};

/** The extras of a Batchwright, and the pauses they made. */
async function extrasOf(answer: (call: FakeCall, nth: number) => Response | Promise<Response>) {
  let nth = 0;
  const api = fakeApi((call) => (call.url.pathname === '/ext/v1' ? jsonReply(GREETING) : answer(call, nth++)));
  const pauses: number[] = [];
  const service = await connectService(api.client, undefined, (ms) => Promise.resolve(void pauses.push(ms)));
  api.calls.splice(0);
  return { extras: service.extras!, calls: api.calls, pauses };
}

const progress = (settled: number, nanoUsd: number | null): string =>
  `event: progress\nid: ${settled}\ndata: ${JSON.stringify({
    type: 'batch_progress',
    id: BATCH.id,
    processing_status: 'in_progress',
    request_counts: { ...BATCH.request_counts, processing: 2 - settled, succeeded: settled },
    progress: { results_per_second: 2, eta: null },
    ledger: nanoUsd === null ? null : { nano_usd: nanoUsd },
  })}\n\n`;
const ended = `event: ended\ndata: ${JSON.stringify(ENDED)}\n\n`;
const stream = (text: string): Response => new Response(text, { headers: { 'content-type': 'text/event-stream' } });

describe('whether a batch holds a request', () => {
  it('is told by whether it is found, and asks the same', async () => {
    const params = { model: 'm', max_tokens: 5 };
    const { extras, calls } = await extrasOf(({ url }) =>
      url.pathname.endsWith('/here') ? jsonReply({ params }) : errorReply(404, 'not_found_error', 'none'),
    );
    expect(await extras.holdsRequest('b', 'here', params)).toBe(true);
    expect(await extras.holdsRequest('b', 'here', { ...params, max_tokens: 6 })).toBe(false);
    expect(await extras.holdsRequest('b', 'a-b_c', params)).toBe(false);
    expect(calls.map(({ url }) => url.pathname + url.search)).toEqual([
      '/ext/v1/batches/b/requests/here',
      '/ext/v1/batches/b/requests/here',
      '/ext/v1/batches/b/requests/a-b_c',
    ]);
  });

  it('is not known from a page that a proxy answers', async () => {
    const { extras } = await extrasOf(() => new Response('<html>', { status: 404 }));
    await expect(extras.holdsRequest('b', 'x', {})).rejects.toMatchObject({ status: 404 });
  });
});

describe('results so far', () => {
  const page = (text: string, headers: Readonly<Record<string, string>>): Response => new Response(text, { headers });

  it('come from a cursor on, as they are', async () => {
    const { extras, calls } = await extrasOf((_, nth) =>
      nth === 0
        ? page('{"a":1}\n', { 'batchwright-cursor': 'c1' })
        : page('', { 'batchwright-cursor': 'c1', 'batchwright-complete': 'true' }),
    );
    const first = await extras.partialResults('b', null);
    expect([new TextDecoder().decode(first.bytes), first.cursor, first.isComplete]).toEqual(['{"a":1}\n', 'c1', false]);
    expect(await extras.partialResults('b', 'c1')).toMatchObject({ cursor: 'c1', isComplete: true });
    expect(calls.map(({ url }) => url.searchParams.get('cursor'))).toEqual([null, 'c1']);
    expect(calls[0]!.url.searchParams.get('wait')).toBe('30');
  });

  it.each([
    ['ends within a line', '{"a":1}\n{', { 'batchwright-cursor': 'c' }],
    ['names no cursor', '{"a":1}\n', {}],
  ])('are not taken when the answer %s', async (_, text, headers) => {
    const { extras } = await extrasOf(() => page(text, headers as Record<string, string>));
    await expect(extras.partialResults('b', null)).rejects.toThrow(/no answer of the Message Batches API/);
  });
});

describe('the events of a batch', () => {
  it('are how it stands, until it has ended', async () => {
    const { extras, pauses } = await extrasOf(() => stream(`: hello\n\n${progress(0, null)}${progress(1, 7)}${ended}`));
    const events = await all(extras.events('b'));
    expect(events.map(({ costNanoUsd }) => costNanoUsd)).toEqual([null, 7, 7]);
    expect(events[1]).toMatchObject({ batch: { id: BATCH.id, request_counts: { succeeded: 1 } }, resultsPerSecond: 2 });
    expect(events[2]).toMatchObject({ batch: { processing_status: 'ended', request_counts: { succeeded: 2 } } });
    expect(pauses).toEqual([]);
  });

  it('go on after a stream that broke off, ended early, or told nonsense', async () => {
    const { extras, pauses } = await extrasOf((_, nth) => {
      switch (nth) {
        case 0:
          return stream(progress(0, null));
        case 1:
          return Promise.reject(new TypeError('terminated'));
        case 2:
          return errorReply(503, 'overloaded_error', 'too many');
        case 3:
          return stream('event: progress\ndata: {"id":\n\nevent: news\ndata: {}\n\nevent: progress\ndata: {}\n\n');
        default:
          return stream(progress(1, 7) + ended);
      }
    });
    expect((await all(extras.events('b'))).map(({ batch }) => batch.request_counts.succeeded)).toEqual([0, 1, 2]);
    expect(pauses).toEqual([1000, 2000, 4000, 8000]);
  });

  it('are given up when they fail again and again', async () => {
    const { extras, pauses, calls } = await extrasOf(() => Promise.reject(new TypeError('terminated')));
    await expect(all(extras.events('b'))).rejects.toMatchObject({ name: 'ServiceError' });
    expect([calls.length, pauses.length]).toEqual([6, 5]);
  });

  it('of a stream that always ends without any are given up, too', async () => {
    const { extras, calls } = await extrasOf(() => stream(': nothing\n\n'));
    await expect(all(extras.events('b'))).rejects.toThrow(/Following batch b failed: the stream ended/);
    expect(calls).toHaveLength(6);
  });

  it.each([401, 403, 404])('end at once with %s', async (status) => {
    const { extras, calls } = await extrasOf(() => errorReply(status, 'not_found_error', 'no'));
    await expect(all(extras.events('b'))).rejects.toMatchObject({ status });
    expect(calls).toHaveLength(1);
  });
});

describe('details', () => {
  it('are the batch, its figures, and everything as it was answered', async () => {
    const { extras } = await extrasOf(() => jsonReply(DETAILS));
    expect(await extras.details('b')).toEqual({
      batch: BATCH,
      resultsPerSecond: 1.6,
      eta: '2026-11-21T09:31:35.000000Z',
      costNanoUsd: 42,
      json: DETAILS,
    });
  });
});

describe('a rerun', () => {
  it('says what it was made of', async () => {
    const { extras, calls } = await extrasOf(() =>
      jsonReply({ type: 'batch_rerun', from: 'b', requests: 3, batch: BATCH }),
    );
    expect(await extras.rerun('b', { types: ['expired'], errorTypes: ['api_error'] })).toEqual({
      from: 'b',
      requests: 3,
      batch: BATCH,
    });
    await extras.rerun('b', {});
    expect(calls.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { types: ['expired'], error_types: ['api_error'] },
      {},
    ]);
  });
});
