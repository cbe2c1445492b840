import { describe, expect, test } from 'vitest';
import {
  billIn,
  block,
  createBench,
  messageIn,
  paramsOf,
  textIn,
  VERSION,
  type AnyMessage,
  type Bench,
  type Heard,
} from '../simulator.fixture.ts';

/**
 * The cache as its rules alone describe it, over the wire and in virtual time. A bill reads: input, written for 5
 * minutes, written for an hour, read. The model caches from 1,024 tokens on; the first byte comes after 1 s and 1 s for
 * every 4,000 tokens that were not read.
 */
const SONNET = 'claude-sonnet-4-5';

function asking(...content: readonly object[]): Record<string, unknown> {
  return paramsOf({ model: SONNET, messages: [{ role: 'user', content }] });
}

/** Moves time to a moment after the bench's start. */
function timeOf(bench: Bench): (atMs: number) => Promise<void> {
  const startMs = bench.clock.now();
  return async (atMs) => bench.clock.advance(startMs + atMs - bench.clock.now());
}

/** One call after the other, each long over before the next, but within 5 minutes of it. */
async function inTurn(bench: Bench, ...calls: readonly (readonly [object, Record<string, string>?])[]) {
  const bills: (readonly number[])[] = [];
  for (const [params, headers] of calls) {
    const heard = bench.start(params, { ...VERSION, ...headers });
    await bench.clock.advance(60_000);
    bills.push(billIn(heard));
  }
  return bills;
}

const misses = (bench: Bench): readonly string[] =>
  bench.simulator
    .ledger()
    .entries()
    .map(({ miss }) => miss);

describe.each([false, true])('streamed: %s', (stream) => {
  const call = (...content: readonly object[]): object => ({ ...asking(...content), stream });

  test('G1 an entry can be read from the first byte of its writer on, and no sooner', async () => {
    const bench = createBench();
    const at = timeOf(bench);
    const heard: Heard[] = [];
    for (const [atMs, name] of [
      [0, 'q'],
      [1000, 'q′'],
      [2000, 'q″'],
    ] as const) {
      await at(atMs);
      heard.push(bench.start(call(block(2000, 'doc', '5m'), block(10, name))));
    }
    await at(60_000);
    expect(heard.map(billIn)).toEqual([
      [10, 2000, 0, 0],
      [10, 2000, 0, 0],
      [10, 0, 0, 2000],
    ]);
    expect(misses(bench)).toEqual(['cold', 'not_ready', 'none']);
  });

  test('G1 to the millisecond: the first byte comes after 1,502.5 ms', async () => {
    const readAt = async (atMs: number): Promise<number> => {
      const bench = createBench();
      const at = timeOf(bench);
      bench.start(call(block(2000, 'doc', '5m'), block(10, 'q')));
      await at(atMs);
      const heard = bench.start(call(block(2000, 'doc', '5m'), block(10, 'q′')));
      await at(60_000);
      return billIn(heard)[3];
    };
    expect([await readAt(1502), await readAt(1502.5)]).toEqual([0, 2000]);
  });
});

test.each([
  [299_999, 2000, 'none'],
  [300_000, 0, 'expired'],
] as const)('G2 an entry touched at 0 and asked for at %i ms reads %i', async (atMs, read, miss) => {
  const bench = createBench();
  const at = timeOf(bench);
  const doc = asking(block(2000, 'doc', '5m'), block(10, 'q'));
  bench.start(doc);
  await at(atMs);
  const heard = bench.start(doc);
  await at(400_000);
  expect(billIn(heard)[3]).toBe(read);
  expect(misses(bench)[1]).toBe(miss);
});

test('G2 each use extends the life of an entry from the start of the use, 1 hour as 5 minutes', async () => {
  for (const [ttl, lifeMs] of [
    ['5m', 300_000],
    ['1h', 3_600_000],
  ] as const) {
    const bench = createBench();
    const at = timeOf(bench);
    const reads: number[] = [];
    for (const atMs of [0, lifeMs - 1, 2 * lifeMs - 2, 3 * lifeMs - 2]) {
      await at(atMs);
      const heard = bench.start(asking(block(2000, 'doc', ttl), block(10, 'q')));
      await bench.clock.advance(20_000);
      reads.push(billIn(heard)[3]);
    }
    expect(reads).toEqual([0, 2000, 2000, 0]);
  }
});

test('G3 a prefix is cached from the model’s minimum on', async () => {
  const bench = createBench();
  const bills = await inTurn(
    bench,
    [asking(block(1023, 'doc', '5m'), block(10, 'q'))],
    [asking(block(1024, 'doc', '5m'), block(10, 'q'))],
  );
  expect(bills).toEqual([
    [1033, 0, 0, 0],
    [10, 1024, 0, 0],
  ]);
  expect(misses(bench)).toEqual(['below_min', 'cold']);
});

test('G4 a marker finds what lies up to 20 positions back, itself included, and another marker finds the rest', async () => {
  const blocks = (count: number, tail: string, ...marked: readonly number[]): object =>
    asking(
      ...Array.from({ length: count }, (_, i) =>
        block(200, i < 15 ? `block ${i + 1}` : `${tail} ${i + 1}`, marked.includes(i + 1) ? '5m' : undefined),
      ),
    );
  const bench = createBench();
  const bills = await inTurn(
    bench,
    [blocks(10, 'a', 10)],
    [blocks(15, 'a', 15)],
    [blocks(35, 'a', 35)],
    [blocks(35, 'b', 15, 35)],
  );
  expect(bills).toEqual([
    [0, 2000, 0, 0],
    [0, 1000, 0, 2000],
    [0, 7000, 0, 0],
    [0, 4000, 0, 3000],
  ]);
  expect(misses(bench)).toEqual(['cold', 'cold', 'out_of_lookback', 'cold']);
});

test('G4 19 blocks further on still hits, 20 do not', async () => {
  const moved = async (by: number): Promise<number> => {
    const at = (count: number): object =>
      asking(...Array.from({ length: count }, (_, i) => block(200, `${i}`, i === count - 1 ? '5m' : undefined)));
    const [, bill] = await inTurn(createBench(), [at(10)], [at(10 + by)]);
    return bill?.[3] ?? NaN;
  };
  expect([await moved(19), await moved(20)]).toEqual([2000, 0]);
});

test('G5 an hour’s prefix and a 5-minute document are billed apart', async () => {
  const ask = (doc: string): object => ({
    ...asking(block(20_000, doc, '5m'), block(50, 'q')),
    system: [block(4000, 'system', '1h')],
  });
  expect(await inTurn(createBench(), [ask('doc')], [ask('another')], [ask('doc')])).toEqual([
    [50, 20_000, 4000, 0],
    [50, 20_000, 0, 4000],
    [50, 0, 0, 24_000],
  ]);
});

test('G6 automatic caching marks the question, which nobody shares', async () => {
  const ask = (question: string): object => ({
    ...asking(block(2000, 'doc'), block(10, question)),
    cache_control: { type: 'ephemeral' },
  });
  expect(await inTurn(createBench(), [ask('q')], [ask('q′')])).toEqual([
    [0, 2010, 0, 0],
    [0, 2010, 0, 0],
  ]);
});

describe('G7 is refused with 400', () => {
  const marked = (...ttls: readonly ('5m' | '1h')[]): Record<string, unknown> =>
    asking(...ttls.map((ttl, i) => block(2000, `${i}`, ttl)));
  test.each([
    ['five markers', marked('5m', '5m', '5m', '5m', '5m')],
    [
      'four and automatic caching',
      {
        ...asking(...[1, 2, 3, 4].map((i) => block(2000, `${i}`, '5m')), block(9, 'q')),
        cache_control: { type: 'ephemeral' },
      },
    ],
    ['an hour after 5 minutes', marked('5m', '1h')],
    [
      'automatic caching for another time than the last block',
      { ...marked('1h'), cache_control: { type: 'ephemeral', ttl: '5m' } },
    ],
    ['a time there is not', asking({ ...block(2000, 'doc'), cache_control: { type: 'ephemeral', ttl: '2h' } })],
    ['a marker on empty text', asking({ type: 'text', text: '', cache_control: { type: 'ephemeral' } })],
  ])('%s', async (_, params) => {
    const bench = createBench();
    expect((await bench.call(params)).status).toBe(400);
    expect(bench.simulator.cacheEntries()).toEqual([]);
  });
});

const tool = { name: 'look_up', input_schema: { type: 'object' } };

test('G8 another tool choice leaves the system prompt cached, and nothing after it', async () => {
  const ask = (type: string): object => ({
    ...asking(block(2000, 'doc', '5m'), block(10, 'q')),
    tools: [tool],
    tool_choice: { type },
    system: [block(3000, 'system', '5m')],
  });
  const bench = createBench();
  const toolTokens = Math.ceil(JSON.stringify(tool).length / 4);
  expect(await inTurn(bench, [ask('auto')], [ask('none')], [ask('auto')])).toEqual([
    [10, 5000 + toolTokens, 0, 0],
    [10, 2000, 0, 3000 + toolTokens],
    [10, 0, 0, 5000 + toolTokens],
  ]);
  expect(misses(bench)).toEqual(['cold', 'salt', 'none']);
});

test('G9 an image in a later block leaves the system prompt cached, and nothing after it', async () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
  const ask = (...more: readonly object[]): object => ({
    ...asking(block(2000, 'doc', '5m'), ...more, block(10, 'q')),
    system: [block(3000, 'system', '5m')],
  });
  const bench = createBench();
  expect(await inTurn(bench, [ask()], [ask(image)])).toEqual([
    [10, 5000, 0, 0],
    [1610, 2000, 0, 3000],
  ]);
  expect(misses(bench)).toEqual(['cold', 'salt']);
});

test('G10 neither another workspace nor another model shares', async () => {
  const doc = asking(block(5000, 'doc', '5m'), block(10, 'q'));
  const bench = createBench();
  const bills = await inTurn(
    bench,
    [doc, { 'x-api-key': 'sk-sim-acme-one' }],
    [doc, { 'x-api-key': 'sk-sim-acme-two' }],
    [doc, { 'x-api-key': 'sk-sim-other-one' }],
    [{ ...doc, model: 'claude-haiku-4-5' }, { 'x-api-key': 'sk-sim-acme-one' }],
    [doc, { authorization: 'Bearer sk-sim-acme-one' }],
    [doc, { 'x-api-key': 'anything' }],
    [doc, {}],
    [doc, { 'x-api-key': 'anything', 'batchwright-workspace': 'wrkspc_01x' }],
  );
  expect(bills.map(([, , , read]) => read)).toEqual([0, 0, 0, 0, 5000, 0, 5000, 0]);
  expect(misses(bench)).toEqual(['cold', 'scope', 'scope', 'scope', 'none', 'scope', 'none', 'scope']);
});

test('G11 a call for no output writes once, costs no output, and is read by the next', async () => {
  const doc = asking(block(2000, 'doc', '5m'), block(10, 'q'));
  const bench = createBench();
  const warming = bench.start({ ...doc, max_tokens: 0 });
  await bench.clock.advance(60_000);
  expect(messageIn(warming)).toMatchObject({ content: [], stop_reason: 'max_tokens', usage: { output_tokens: 0 } });
  expect(warming.endAtMs).toBe(1_800_000_001_502.5);
  expect([billIn(warming), ...(await inTurn(bench, [doc]))]).toEqual([
    [10, 2000, 0, 0],
    [10, 0, 0, 2000],
  ]);
});

describe('G12 batches and synchronous calls', () => {
  const doc = asking(block(2000, 'doc', '1h'), block(10, 'q'));

  /** Runs a native batch of so many equal items to its end, and tells what each of them read. */
  async function batch(bench: Bench, count: number): Promise<readonly number[]> {
    const requests = Array.from({ length: count }, (_, i) => ({ custom_id: `${i}`, params: doc }));
    const created = await bench.call({ requests }, VERSION, '/v1/messages/batches');
    const { id } = JSON.parse(created.text) as { id: string };
    const results = await bench.call(null, VERSION, `/v1/messages/batches/${id}/results`, 'GET');
    return results.text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { result: { message: AnyMessage } }).result.message)
      .map(({ usage }) => Number(usage['cache_read_input_tokens']));
  }

  test('a batch does not read what a call wrote, but what an earlier batch wrote', async () => {
    const bench = createBench({}, 10 * 60_000);
    await inTurn(bench, [doc]);
    expect([await batch(bench, 1), await batch(bench, 1)]).toEqual([[0], [2000]]);
  });

  test('a call does not read what a batch wrote', async () => {
    const bench = createBench({}, 10 * 60_000);
    await batch(bench, 1);
    expect(await inTurn(bench, [doc])).toEqual([[10, 0, 2000, 0]]);
  });

  test('items of one batch read nothing of each other, not even one after the other', async () => {
    expect(await batch(createBench({}, 10 * 60_000), 2)).toEqual([0, 0]);
    const oneByOne = createBench({ batches: { parallelism: 1 } }, 10 * 60_000);
    expect(await batch(oneByOne, 3)).toEqual([0, 0, 0]);
    expect(await batch(oneByOne, 2)).toEqual([2000, 2000]);
  });

  test('unless told otherwise', async () => {
    const shared = createBench({ cache: { batchCache: 'shared' } }, 10 * 60_000);
    await inTurn(shared, [doc]);
    expect(await batch(shared, 1)).toEqual([2000]);
    const visible = createBench({ cache: { intraBatch: 'visible' }, batches: { parallelism: 1 } }, 10 * 60_000);
    expect(await batch(visible, 2)).toEqual([0, 2000]);
  });

  test('a server’s own batches share with each other call by call', async () => {
    const surface = { 'batchwright-surface': 'batch' };
    expect(await inTurn(createBench(), [doc], [doc, surface], [doc, surface])).toEqual([
      [10, 0, 2000, 0],
      [10, 0, 2000, 0],
      [10, 0, 0, 2000],
    ]);
  });
});

test('G13 reads are free of the input limit', async () => {
  const bench = createBench({ limits: { inputTokensPerMinute: 30_000 } });
  const ask = (question: string): object => asking(block(24_000, 'doc', '5m'), block(50, question));
  const writer = bench.start(ask('q'));
  const second = bench.start(ask('q′'));
  await bench.clock.advance(10_000);
  expect([writer.status, second.status]).toEqual([200, 429]);
  expect(Number(second.headers['retry-after'])).toBe(Math.ceil(((24_050 - 5950) * 60) / 30_000));
  const readers = Array.from({ length: 100 }, (_, i) => bench.start(ask(`q${i}`)));
  await bench.clock.advance(60_000);
  expect(readers.map((heard) => heard.status)).toEqual(readers.map(() => 200));
  expect(readers.map((heard) => billIn(heard)[3])).toEqual(readers.map(() => 24_000));
});

test('G13 unless they are told to count', async () => {
  const bench = createBench({ limits: { inputTokensPerMinute: 30_000, countsReads: true } });
  const ask = (question: string): object => asking(block(24_000, 'doc', '5m'), block(50, question));
  bench.start(ask('q'));
  await bench.clock.advance(10_000);
  const reader = bench.start(ask('q′'));
  await bench.clock.advance(60_000);
  expect(reader.status).toBe(429);
});

describe('G14', () => {
  const doc = { ...asking(block(2000, 'doc', '5m'), block(10, '')), stream: true };

  test('a failure before the first byte leaves nothing behind', async () => {
    const bench = createBench({ faults: [{ kind: 'overloaded', phase: 'before_first_byte', times: 1 }] });
    expect((await bench.call(doc)).status).toBe(529);
    expect(bench.simulator.cacheEntries()).toEqual([]);
    expect(await inTurn(bench, [doc])).toEqual([[10, 2000, 0, 0]]);
    expect(bench.simulator.ledger().totals.requests).toBe(1);
    expect(misses(bench)).toEqual(['cold']);
  });

  test('nor does a failed reader keep an entry alive', async () => {
    const bench = createBench({ faults: [{ kind: 'overloaded', phase: 'before_first_byte', match: { nth: 2 } }] });
    const at = timeOf(bench);
    bench.start(doc);
    await at(200_000);
    bench.start(doc);
    await at(300_000);
    expect(await inTurn(bench, [doc])).toEqual([[10, 2000, 0, 0]]);
  });

  test.each([1501, 1503])('a client that leaves at %i ms', async (atMs) => {
    const bench = createBench();
    const at = timeOf(bench);
    const gone = bench.start(doc);
    await at(atMs);
    gone.cancel();
    const isTooLate = atMs > 1502.5;
    expect(await inTurn(bench, [doc])).toEqual([isTooLate ? [10, 0, 0, 2000] : [10, 2000, 0, 0]]);
    expect(bench.simulator.ledger().totals.requests).toBe(isTooLate ? 2 : 1);
  });

  test('a failure in mid-stream leaves what it wrote, and is billed as far as it got', async () => {
    const long = { ...asking(block(2000, 'doc', '5m'), { type: 'text', text: '@@sim{"out":100}@@' }), stream: true };
    const bench = createBench({ faults: [{ kind: 'overloaded', phase: 'mid_stream', times: 1 }] });
    bench.start(long);
    const [bill] = await inTurn(bench, [long]);
    expect(bill?.[1]).toBe(2000);
    const [, again] = await inTurn(bench, [long], [long]);
    expect(again?.[3]).toBe(2000);
    const [broken] = bench.simulator.ledger().entries();
    expect(broken?.outputTokens).toBeGreaterThan(30);
    expect(broken?.outputTokens).toBeLessThan(70);
  });
});

test('G15 cached or not, the text is the same', async () => {
  const doc = asking(block(2000, 'doc', '5m'), block(10, 'q'));
  const bench = createBench();
  const heard = [bench.start(doc)];
  await bench.clock.advance(60_000);
  heard.push(bench.start(doc), bench.start(asking(block(2000, 'doc'), block(10, 'q'))));
  await bench.clock.advance(60_000);
  expect(heard.map((each) => billIn(each)[3])).toEqual([0, 2000, 0]);
  expect(new Set(heard.map((each) => textIn(messageIn(each)))).size).toBe(1);
});
