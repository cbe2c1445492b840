import { homeOf, TRIAL_FIRST_MS, VirtualClock } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { UpstreamPool, type ReplicaView } from './upstream-pool.ts';
import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/** A replica whose answers the test gives; it remembers what it was asked. */
class HeldReplica implements Upstream {
  readonly name: string;
  readonly isSimulated = false;
  readonly calls: { readonly request: UpstreamCall; readonly events: UpstreamEvents; isCancelled: boolean }[] = [];
  isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    const call = { request, events, isCancelled: false };
    this.calls.push(call);
    return () => {
      call.isCancelled = true;
    };
  }

  answer(status = 200): void {
    const call = this.calls.shift();
    call?.events.onHead(status, {});
    call?.events.onData(Buffer.from('{}'));
    call?.events.onEnd();
  }

  fail(reason = 'ECONNREFUSED'): void {
    this.calls.shift()?.events.onFailure(reason, false);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function setUp(count: number) {
  const clock = new VirtualClock(1_000_000);
  const replicas = Array.from({ length: count }, (_, i) => new HeldReplica(`http://gpu-${i}:8000`));
  const pool = new UpstreamPool(
    replicas.map((upstream) => ({ baseUrl: upstream.name, upstream })),
    clock,
  );
  const seen: string[] = [];
  const events: UpstreamEvents = {
    onHead: (status) => seen.push(`head ${status}`),
    onData: (chunk) => seen.push(Buffer.from(chunk).toString()),
    onEnd: () => seen.push('end'),
    onFailure: (reason, timeout) => seen.push(`failed ${reason} ${timeout}`),
  };
  const call = (affinity?: number | null): CancelCall => {
    const at = affinity === undefined ? {} : { affinity };
    return pool.call({ method: 'POST', path: '/v1/messages', headers: {}, body: null, ...at }, events);
  };
  const loads = (): number[] => pool.views().map(({ inFlight }) => inFlight);
  const view = (i: number): ReplicaView => pool.views()[i] as ReplicaView;
  const home = (affinity: number): HeldReplica => replicas[homeOf(affinity, pool.seeds)] as HeldReplica;
  const pass = (ms: number): Promise<void> => clock.advance(ms, () => Promise.resolve());
  return { clock, pool, replicas, call, loads, view, home, seen, pass };
}

describe('where a call goes', () => {
  it('without an affinity calls spread evenly, one after another too', () => {
    const { call, loads, replicas } = setUp(3);
    for (let i = 0; i < 9; i++) call();
    expect(loads()).toEqual([3, 3, 3]);
    const apart = setUp(3);
    const answered = apart.replicas.map(() => 0);
    for (let i = 0; i < 6; i++) {
      apart.call(null);
      const at = apart.loads().indexOf(1);
      answered[at] = (answered[at] as number) + 1;
      apart.replicas[at]?.answer();
    }
    expect(answered).toEqual([2, 2, 2]);
    expect(replicas.map(({ calls }) => calls.length)).toEqual([3, 3, 3]);
  });

  it('calls of one affinity meet at one replica while it is no fuller than the others', () => {
    const { call, home, loads } = setUp(3);
    for (let i = 0; i < 5; i++) {
      call(77);
      expect(home(77).calls).toHaveLength(1);
      home(77).answer();
    }
    expect(loads()).toEqual([0, 0, 0]);
  });

  it('no more than a quarter above the mean are at one replica, whatever they share', () => {
    const { call, loads } = setUp(4);
    for (let i = 0; i < 40; i++) call(77);
    expect(Math.max(...loads())).toBe(13);
    expect(loads().reduce((sum, load) => sum + load)).toBe(40);
  });
});

describe('a call', () => {
  it('is handed on as it is, and so is its answer', () => {
    const { call, home, seen } = setUp(2);
    call(5);
    const [{ request } = { request: null }] = home(5).calls;
    expect(request).toMatchObject({ method: 'POST', path: '/v1/messages' });
    home(5).answer();
    expect(seen).toEqual(['head 200', '{}', 'end']);
  });

  it('holds its place until it is over, cancelled or failed, and gives it back once', () => {
    const { call, loads, home } = setUp(2);
    const cancel = call(5);
    expect(loads().toSorted()).toEqual([0, 1]);
    cancel();
    cancel();
    expect(home(5).calls[0]?.isCancelled).toBe(true);
    expect(loads()).toEqual([0, 0]);
    home(5).calls.length = 0;
    const late = call(5);
    home(5).fail();
    late();
    expect(loads()).toEqual([0, 0]);
  });

  it('that fails fails, and is sent nowhere else', () => {
    const { call, home, replicas, seen } = setUp(3);
    call(5);
    home(5).fail('ECONNRESET');
    expect(seen).toEqual(['failed ECONNRESET false']);
    expect(replicas.flatMap(({ calls }) => calls)).toEqual([]);
  });

  it('that cannot even begin holds no place', () => {
    const { pool, clock } = setUp(2);
    const broken = new HeldReplica('http://a');
    broken.call = () => {
      throw new Error('no socket');
    };
    const only = new UpstreamPool([{ baseUrl: 'http://a', upstream: broken }], clock);
    const events = { onHead: () => {}, onData: () => {}, onEnd: () => {}, onFailure: () => {} };
    expect(() => only.call({ method: 'GET', path: '/v1/models', headers: {}, body: null }, events)).toThrow(
      'no socket',
    );
    expect(only.views()[0]?.inFlight).toBe(0);
    expect(pool.views()).toHaveLength(2);
  });

  it('whose judge throws at its end counts as answered all the same', () => {
    const { pool, replicas } = setUp(1);
    const failures: string[] = [];
    const events: UpstreamEvents = {
      onHead: () => {},
      onData: () => {},
      onEnd: () => {
        throw new Error('no sense in it');
      },
      onFailure: (reason) => failures.push(reason),
    };
    pool.call({ method: 'GET', path: '/v1/models', headers: {}, body: null }, events);
    const [call] = (replicas[0] as HeldReplica).calls;
    call?.events.onHead(200, {});
    expect(() => call?.events.onEnd()).toThrow('no sense in it');
    // As the HTTP client does with what is thrown at it.
    call?.events.onFailure('no sense in it', false);
    expect(failures).toEqual(['no sense in it']);
    expect(pool.views()[0]).toMatchObject({ inFlight: 0, isDown: false, answers: { ok: 1, failed: 0 } });
  });
});

describe('a replica that fails', () => {
  it.each([
    ['refuses a connection', (replica: HeldReplica): void => replica.fail()],
    ['answers 500', (replica: HeldReplica): void => replica.answer(500)],
    ['answers 503', (replica: HeldReplica): void => replica.answer(503)],
  ])('and %s is passed over, then tried by one call, and used again once it answers', async (_, fault) => {
    const { call, home, replicas, pass, loads } = setUp(3);
    const down = home(5);
    call(5);
    fault(down);
    for (let i = 0; i < 6; i++) call(5);
    expect(down.calls).toHaveLength(0);
    await pass(TRIAL_FIRST_MS);
    for (let i = 0; i < 6; i++) call(5);
    expect(down.calls).toHaveLength(1);
    down.answer();
    for (let i = 0; i < 6; i++) call(5);
    expect(down.calls.length).toBeGreaterThan(3);
    expect(loads().reduce((sum, load) => sum + load)).toBe(replicas.flatMap(({ calls }) => calls).length);
  });

  it('is tried ever more seldom', async () => {
    const { call, pass, replicas } = setUp(2);
    const [down, up] = replicas as [HeldReplica, HeldReplica];
    let tried = 0;
    for (let second = 0; second < 120; second++) {
      for (let i = 0; i < 4; i++) call();
      while (down.calls.length > 0) {
        tried += 1;
        down.fail();
      }
      while (up.calls.length > 0) up.answer();
      await pass(1000);
    }
    // The two calls that found it out, then after 1, 2, 4, 8, 16, 32 and 60 seconds.
    expect(tried).toBeLessThanOrEqual(9);
    expect(tried).toBeGreaterThanOrEqual(7);
  });

  it('sends its keys to the others and no other key elsewhere', () => {
    const { call, home, replicas } = setUp(4);
    const keys = Array.from({ length: 40 }, (_, i) => i * 1_000_003);
    const before = new Map(keys.map((key) => [key, home(key)]));
    const down = home(keys[0] as number);
    call(keys[0]);
    down.fail();
    for (const key of keys) {
      call(key);
      const at = replicas.find(({ calls }) => calls.length === 1) as HeldReplica;
      if (before.get(key) === down) expect(at).not.toBe(down);
      else expect(at).toBe(before.get(key));
      at.answer();
    }
  });

  it('does not keep calls back when all fail: one of them has to find out', async () => {
    const { call, replicas, loads } = setUp(2);
    for (let i = 0; i < 2; i++) call();
    for (const replica of replicas) replica.fail();
    for (let i = 0; i < 4; i++) call();
    expect(loads()).toEqual([2, 2]);
  });

  it('is not one that refuses a request', () => {
    const { call, home, view, pool } = setUp(2);
    for (const status of [400, 401, 404, 429]) {
      call(5);
      home(5).answer(status);
    }
    const i = pool.views().findIndex(({ name }) => name === home(5).name);
    expect(view(i)).toMatchObject({ isDown: false, answers: { ok: 0, client_error: 4, server_error: 0, failed: 0 } });
  });
});

it('a pool closes all of its replicas', async () => {
  const { pool, replicas } = setUp(3);
  await pool.close();
  expect(replicas.every(({ isClosed }) => isClosed)).toBe(true);
});

it('is known by the names of all', () => {
  expect(setUp(2).pool.name).toBe('http://gpu-0:8000,http://gpu-1:8000');
});
