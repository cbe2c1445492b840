import { describe, expect, it } from 'vitest';
import { ask, startRoom, type Ask } from './http.fixture.ts';

const LIST: Ask = { path: '/v1/messages/batches' };

describe('the credential', () => {
  it('is accepted in either header, with identical bodies', async () => {
    const room = await startRoom();
    await room.addBatch(room.workspaces.w1);
    const byKey = await ask(room, LIST);
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const byBearer = await ask(room, {
        ...LIST,
        key: null,
        headers: { authorization: `${scheme} ${room.keys.k1a}` },
      });
      expect(byBearer.status).toBe(200);
      expect(byBearer.text).toBe(byKey.text);
    }
  });

  it('is accepted in both headers when they agree', async () => {
    const room = await startRoom();
    const headers = { authorization: `Bearer ${room.keys.k1a}` };
    expect((await ask(room, { ...LIST, headers })).status).toBe(200);
  });

  it.each([
    ['another key', 'Bearer sk-test-k1b-0000000000'],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
  ])('is refused in both headers when one holds %s', async (_name, authorization) => {
    const room = await startRoom();
    const answer = await ask(room, { ...LIST, headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: { type: 'authentication_error' } });
  });

  it.each([
    ['none', {}, 'x-api-key header is required'],
    ['an empty one', { 'x-api-key': '' }, 'x-api-key header is required'],
    ['a wrong one', { 'x-api-key': 'sk-wrong' }, 'API key is invalid.'],
    ['a scheme that is not Bearer', { authorization: 'Basic dXNlcjpwYXNz' }, 'API key is invalid.'],
    ['a Bearer without a token', { authorization: 'Bearer' }, 'API key is invalid.'],
  ])('%s answers 401 and names no workspace', async (_name, headers, message) => {
    const room = await startRoom();
    const answer = await ask(room, { ...LIST, key: null, headers });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ type: 'error', error: { type: 'authentication_error', message } });
    expect(answer.headers['request-id']).toBe(answer.body['request_id']);
    expect(answer.headers).not.toHaveProperty('anthropic-workspace-id');
    expect(answer.headers).not.toHaveProperty('anthropic-organization-id');
  });

  it('stops working with the call after it is revoked', async () => {
    const room = await startRoom();
    expect((await ask(room, LIST)).status).toBe(200);
    await room.revokeKey(room.keys.k1a);
    expect((await ask(room, LIST)).status).toBe(401);
    expect((await ask(room, { ...LIST, key: room.keys.k1b })).status).toBe(200);
  });
});

describe('the dialect', () => {
  const withVersion = (version: string): Ask => ({ ...LIST, headers: { 'anthropic-version': version } });

  it.each(['2023-01-01', '2023-06-01', '2026-10-21'])('version %s is accepted', async (version) => {
    const room = await startRoom();
    expect((await ask(room, withVersion(version))).status).toBe(200);
  });

  it.each([
    ['', 'anthropic-version: header is required'],
    ['1999-01-01', 'anthropic-version: `1999-01-01` is not a valid version.'],
  ])('version "%s" answers 400, to a caller who is known by then', async (version, message) => {
    const room = await startRoom();
    const answer = await ask(room, withVersion(version));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: { type: 'invalid_request_error', message } });
    expect(answer.headers['anthropic-workspace-id']).toBe(room.workspaces.w1);
  });

  it('a wrong key is told before a wrong version', async () => {
    const room = await startRoom();
    expect((await ask(room, { ...withVersion(''), key: 'sk-wrong' })).status).toBe(401);
  });

  it.each([
    ['message-batches-2024-09-24,prompt-caching-2024-07-31'],
    [' files-api-2025-04-14 , extended-cache-ttl-2025-04-11,, '],
    [['message-batches-2024-09-24', 'files-api-2025-04-14']],
    ['house-beta-2026-01-01'],
  ])('betas %j are accepted', async (beta) => {
    const room = await startRoom({ settings: { extraBetas: ['house-beta-2026-01-01'] } });
    expect((await ask(room, { ...LIST, headers: { 'anthropic-beta': beta } })).status).toBe(200);
  });

  it('an unknown beta answers 400 and is named', async () => {
    const room = await startRoom();
    const headers = { 'anthropic-beta': 'message-batches-2024-09-24, no-such-beta' };
    const answer = await ask(room, { ...LIST, headers });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('Unexpected value(s) `no-such-beta` for the `anthropic-beta` header.');
  });

  it('what nobody asked for is ignored', async () => {
    const room = await startRoom();
    const headers = { 'x-stainless-timeout': 'NOT_GIVEN', 'x-whatever': 'yes', 'if-none-match': '*' };
    expect((await ask(room, { path: `${LIST.path}?beta=true&x=%zz`, headers })).status).toBe(200);
  });
});

describe('the workspace', () => {
  it('and the organisation are named on every authenticated answer', async () => {
    const room = await startRoom();
    for (const path of [LIST.path, '/v1/messages/batches/msgbatch_01missing', '/v1/models']) {
      const answer = await ask(room, { path });
      expect(answer.headers['anthropic-workspace-id']).toBe(room.workspaces.w1);
      expect(answer.headers['anthropic-organization-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('header is accepted when it is the key’s own', async () => {
    const room = await startRoom();
    const headers = { 'anthropic-workspace-id': room.workspaces.w1 };
    expect((await ask(room, { ...LIST, headers })).status).toBe(200);
  });

  it('header of another workspace answers 403, whether that one exists or not', async () => {
    const room = await startRoom();
    const answers = [room.workspaces.w2, 'wrkspc_01nobody'].map(async (id) => {
      const answer = await ask(room, { ...LIST, headers: { 'anthropic-workspace-id': id } });
      return `${answer.status} ${answer.text.replace(id, 'ID').replace(/req_\w+/, '')}`;
    });
    const [existing, missing] = await Promise.all(answers);
    expect(existing).toMatch(/^403 .*permission_error/);
    expect(missing).toBe(existing);
  });
});

describe('the rate of calls', () => {
  it('without a limit is told as one of which nothing is used', async () => {
    const room = await startRoom();
    const { headers } = await ask(room, LIST);
    expect(headers['anthropic-ratelimit-requests-limit']).toBe('20000');
    expect(headers['anthropic-ratelimit-requests-remaining']).toBe('20000');
    expect(headers['anthropic-ratelimit-requests-reset']).toBe('2026-11-21T09:00:00.000000Z');
  });

  it('beyond its limit answers 429 with the seconds to wait, for this workspace only', async () => {
    const room = await startRoom({ settings: { requestsPerMinute: 2 } });
    const remaining = [];
    for (let i = 0; i < 2; i++)
      remaining.push((await ask(room, LIST)).headers['anthropic-ratelimit-requests-remaining']);
    expect(remaining).toEqual(['1', '0']);

    const refused = await ask(room, LIST);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ error: { type: 'rate_limit_error' } });
    expect(refused.headers['retry-after']).toBe('30');
    expect((await ask(room, { ...LIST, key: room.keys.k1b })).status).toBe(429);
    expect((await ask(room, { ...LIST, key: room.keys.k2 })).status).toBe(200);

    await room.clock.advance(30_000);
    expect((await ask(room, LIST)).status).toBe(200);
  });

  it('does not count calls that are not about batches', async () => {
    const room = await startRoom({ settings: { requestsPerMinute: 1 } });
    for (let i = 0; i < 3; i++) {
      const answer = await ask(room, { method: 'POST', path: '/v1/messages', body: '{}' });
      expect(answer.status).toBe(200);
    }
    expect((await ask(room, LIST)).status).toBe(200);
  });
});

describe('/metrics', () => {
  it('is open by default', async () => {
    const room = await startRoom();
    const answer = await ask(room, { path: '/metrics', key: null });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it('asks for a key, and no version, when it is not open', async () => {
    const room = await startRoom({ settings: { metricsOpen: false } });
    const headers = { 'anthropic-version': '', authorization: `Bearer ${room.keys.k2}` };
    expect((await ask(room, { path: '/metrics', key: null })).status).toBe(401);
    expect((await ask(room, { path: '/metrics', key: null, headers })).status).toBe(200);
  });

  it('counts calls by the pattern of their route', async () => {
    const room = await startRoom();
    await ask(room, { path: '/v1/messages/batches/msgbatch_01secret' });
    await ask(room, { path: '/no/such/path' });
    const { text } = await ask(room, { path: '/metrics' });
    expect(text).toContain(
      'batchwright_http_requests_total{route="/v1/messages/batches/{message_batch_id}",status="404"} 1',
    );
    expect(text).toContain('batchwright_http_requests_total{route="unmatched",status="404"} 1');
    expect(text).not.toContain('secret');
  });
});
