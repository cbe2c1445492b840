import { describe, expect, it } from 'vitest';
import { deferredUpstream } from './deferred-upstream.ts';
import type { Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

const CALL: UpstreamCall = { method: 'POST', path: '/v1/messages', headers: {}, body: null };

function setUp() {
  const seen: string[] = [];
  const inner: Upstream = {
    name: 'inner',
    isSimulated: false,
    call(_request, events) {
      seen.push('called');
      events.onEnd();
      return () => seen.push('cancelled');
    },
    close: async () => void seen.push('closed'),
  };
  const openings: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const upstream = deferredUpstream(
    'deferred',
    () => new Promise((resolve, reject) => openings.push({ resolve: () => resolve(inner), reject })),
  );
  const events: UpstreamEvents = {
    onHead: () => {},
    onData: () => {},
    onEnd: () => seen.push('ended'),
    onFailure: (reason) => seen.push(`failed: ${reason}`),
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { upstream, openings, seen, events, turn };
}

describe('the deferred upstream', () => {
  it('opens once for all calls that wait, and not before the first', async () => {
    const { upstream, openings, seen, events, turn } = setUp();
    expect(openings).toHaveLength(0);
    upstream.call(CALL, events);
    upstream.call(CALL, events);
    openings[0]?.resolve();
    await turn();
    upstream.call(CALL, events);
    expect(openings).toHaveLength(1);
    expect(seen.filter((event) => event === 'ended')).toHaveLength(3);
  });

  it('never sends a call that was cancelled while it waited', async () => {
    const { upstream, openings, seen, events, turn } = setUp();
    upstream.call(CALL, events)();
    openings[0]?.resolve();
    await turn();
    expect(seen).toEqual([]);
  });

  it('fails the calls that waited for an opening that failed, and tries anew for the next', async () => {
    const { upstream, openings, seen, events, turn } = setUp();
    upstream.call(CALL, events);
    openings[0]?.reject(new Error('EMFILE'));
    await turn();
    expect(seen).toEqual(['failed: EMFILE']);
    upstream.call(CALL, events);
    openings[1]?.resolve();
    await turn();
    expect(seen).toContain('ended');
  });

  it('closes though it never opened, or could not', async () => {
    const { upstream, openings, seen, events } = setUp();
    await upstream.close();
    upstream.call(CALL, events);
    const closing = upstream.close();
    openings[0]?.reject(new Error('EMFILE'));
    await closing;
    expect(seen).toEqual(['failed: EMFILE']);
  });
});
