import { UPSTREAM_PROFILES } from '@batchwright/core';
import { wireError } from '@batchwright/protocol';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bodyOf, intakeFixture, openStream, streamOf, type IntakeFixture } from './intake.fixture.ts';
import type { BodyEstimate, EstimateOutcome } from './estimate.ts';
import type { IntakeParts } from './create-intake.ts';
import { IDLE_TIMEOUT_MS } from './upload.ts';

const RESPECT = { betas: [], markers: 'respect' } as const;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function estimateOf(outcome: EstimateOutcome): BodyEstimate {
  if (outcome.type !== 'estimated') throw new Error(words(outcome));
  return outcome.estimate;
}

function words(outcome: { readonly type: string }): string {
  return 'problem' in outcome ? wireError(outcome.problem as never).message : outcome.type;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in buffers that somebody still needs. */
function bytesHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

interface Question {
  readonly document?: string;
  readonly marker?: string;
  readonly tools?: readonly string[];
}

/** Params with a document in the system prompt, a marker on it as spelled, tools of these names, and a question. */
function params(i: number, { document = 'd'.repeat(8000), marker, tools = [] }: Question): object {
  const marked = marker === undefined ? {} : { cache_control: JSON.parse(marker) as object };
  return {
    model: 'claude-sonnet-4-5',
    max_tokens: 1000,
    tools: tools.map((name) => ({ name, input_schema: { type: 'object' } })),
    system: [{ type: 'text', text: document, ...marked }],
    messages: [{ role: 'user', content: `question ${i}` }],
  };
}

function body(questions: readonly Question[]): Buffer {
  const requests = questions.map((question, i) => ({ custom_id: `r-${i}`, params: params(i, question) }));
  return Buffer.from(JSON.stringify({ requests }));
}

/** As many of the same. */
const times = (count: number, question: Question): Question[] => Array<Question>(count).fill(question);

const MARKED = { marker: '{"type":"ephemeral"}' };

async function estimate(questions: readonly Question[], parts: Partial<IntakeParts> = {}): Promise<BodyEstimate> {
  const { intake } = await intakeFixture(parts);
  return estimateOf(await intake.estimate(streamOf(body(questions), 1000), RESPECT));
}

async function expectNothingStored({ spool, catalog, control, clock, terms }: IntakeFixture): Promise<void> {
  expect(control.created).toBe(0);
  expect(await spool.list()).toEqual([]);
  const page = await catalog.batches.list(terms.workspaceId, { type: 'first' }, 10);
  expect(page).toEqual({ batches: [], hasMore: false });
  expect(clock.pendingCount).toBe(0);
}

describe('an estimate', () => {
  it('is of all that the body asks for, wherever it is cut', async () => {
    const { intake } = await intakeFixture();
    const bytes = body(times(10, MARKED));
    const whole = estimateOf(await intake.estimate(streamOf(bytes), RESPECT));
    expect(whole).toMatchObject({
      requests: 10,
      tokens: { written5m: 2000, read: 18_000, input: 30, output: { low: 10, expected: 3000, high: 10_000 } },
      plan: { prefixes: 1, requestsSharing: 10, single: 0 },
      warnings: [],
    });
    for (const chunkBytes of [1, 4099, 65_536]) {
      expect(estimateOf(await intake.estimate(streamOf(bytes, chunkBytes), RESPECT))).toEqual(whole);
    }
  });

  it('stores nothing, also of a body that is larger than the ring', async () => {
    const fixture = await intakeFixture();
    const bytes = body(times(4000, MARKED));
    expect(bytes.length).toBeGreaterThan(30_000_000);
    expect(estimateOf(await fixture.intake.estimate(streamOf(bytes, 65_536), RESPECT)).requests).toBe(4000);
    await expectNothingStored(fixture);
  });

  it('of 50 MB takes no memory to speak of', async () => {
    const { intake } = await intakeFixture({ concurrentUploads: 1 });
    // The scanner's own memory, which every upload after the first finds in place.
    estimateOf(await intake.estimate(streamOf(body([MARKED])), RESPECT));
    const before = bytesHeld();
    let [most, bytes] = [0, 0];
    const constant = Buffer.from(`,"params":${JSON.stringify(params(0, { document: 'd'.repeat(2400) }))}}`);
    function* pieces(): Generator<Buffer> {
      for (let i = 0; i < 20_000; i++) {
        if (i % 2000 === 1999) most = Math.max(most, bytesHeld() - before);
        const head = Buffer.from(`${i === 0 ? '{"requests":[' : ','}{"custom_id":"r-${i}"`);
        bytes += head.length + constant.length;
        yield head;
        // Each its own, so that whoever kept them would be seen.
        yield Buffer.from(constant);
      }
      yield Buffer.from(']}');
    }
    const outcome = await intake.estimate(Readable.from(pieces(), { objectMode: false }), RESPECT);
    expect(estimateOf(outcome).requests).toBe(20_000);
    expect(bytes).toBeGreaterThan(50_000_000);
    expect(most).toBeLessThan(16_000_000);
  });

  it('tells apart prompts under other betas, as a create does', async () => {
    const { intake } = await intakeFixture();
    const asked = { ...RESPECT, betas: ['a-2026-01-01'] };
    const outcome = await intake.estimate(streamOf(body(times(3, MARKED))), asked);
    expect(estimateOf(outcome)).toMatchObject({ plan: { prefixes: 1 } });
  });

  it('is at full price where the upstream gives no discount', async () => {
    const [half, full] = [
      await estimate(times(3, MARKED)),
      await estimate(times(3, MARKED), { hasBatchDiscount: false }),
    ];
    expect([half.isBatch, full.isBatch]).toEqual([true, false]);
    expect(full.nanoUsd?.expected).toBe(2 * (half.nanoUsd?.expected ?? NaN));
    expect(full.plan.top[0]?.nanoUsd).toBe(2 * (half.plan.top[0]?.nanoUsd ?? NaN));
  });

  it('has no money on an upstream without prices', async () => {
    const found = await estimate(times(3, MARKED), { profile: UPSTREAM_PROFILES.vllm });
    expect(found).toMatchObject({
      nanoUsd: null,
      against: { plainMarkers: null },
      plan: { top: [{ ttl: null, nanoUsd: null }] },
      warnings: [],
    });
  });
});

describe('a warning comes with the ids of requests', () => {
  const found = async (questions: readonly Question[], parts: Partial<IntakeParts> = {}) =>
    (await estimate(questions, parts)).warnings.map(({ warning, customIds }) => ({
      code: warning.code,
      count: warning.count,
      customIds,
    }));

  it('that share less than the model caches', async () => {
    const short = { ...MARKED, document: 'd'.repeat(2400) };
    expect(await found(times(2, short))).toEqual([
      { code: 'prefix_below_minimum', count: 2, customIds: ['r-0', 'r-1'] },
    ]);
  });

  it('that mark what is theirs alone', async () => {
    const own = (name: string): Question => ({ ...MARKED, document: name.repeat(8000) });
    expect(await found([own('a'), own('b'), own('c'), own('d')])).toEqual([
      { code: 'marker_on_varying_block', count: 4, customIds: ['r-0', 'r-1', 'r-2'] },
    ]);
  });

  it('that list their tools in another order', async () => {
    const [ab, ba] = [
      { ...MARKED, tools: ['a', 'b'] },
      { ...MARKED, tools: ['b', 'a'] },
    ];
    expect(await found([ab, ab, ba, ab, ba])).toEqual([
      { code: 'tool_order_differs', count: 2, customIds: ['r-2', 'r-4'] },
    ]);
    expect(await found([ab, ab, { ...MARKED, tools: ['a', 'c'] }, { ...MARKED, tools: ['a', 'c'] }])).toEqual([]);
  });

  it('that come too late for what they share, at the pace of the server', async () => {
    const pace = (concurrency: number) => ({ pace: () => ({ concurrency, durationMs: 400_000 }) });
    expect(await found(times(3, MARKED), pace(1))).toEqual([
      { code: 'ttl_too_short', count: 3, customIds: ['r-0', 'r-1', 'r-2'] },
    ]);
    expect(await found(times(3, MARKED), pace(2))).toEqual([]);
  });

  it('that have no markers', async () => {
    expect(await found(times(2, {}))).toEqual([{ code: 'no_markers', count: 2, customIds: ['r-0', 'r-1'] }]);
  });
});

describe('a body that becomes no batch', () => {
  it.each([
    ['is no JSON', '{"requests":[}'],
    ['is cut off', '{"requests":['],
    ['has no requests', '{}'],
    ['has an id twice', '{"requests":[{"custom_id":"a","params":{}},{"custom_id":"a","params":{}}]}'],
    ['has a key too many', '{"requests":[{"custom_id":"a","params":{}}],"more":1}'],
  ])('is refused in the words of a create, and leaves nothing, when it %s', async (_, text) => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const refused = await fixture.intake.estimate(streamOf(Buffer.from(text), 3), RESPECT);
    expect(refused.type).toBe('refused');
    expect(refused).toEqual(await fixture.receive(streamOf(Buffer.from(text))));
    await expectNothingStored(fixture);
  });

  it('is given up when nothing comes for a minute, and when the client goes away', async () => {
    const fixture = await intakeFixture({ concurrentUploads: 1 });
    const silent = openStream();
    const outcome = fixture.intake.estimate(silent, RESPECT);
    await settled();
    await fixture.clock.advance(IDLE_TIMEOUT_MS, settled);
    expect(await outcome).toEqual({ type: 'refused', problem: { type: 'body_timed_out' } });
    const leaver = openStream();
    const left = fixture.intake.estimate(leaver, RESPECT);
    leaver.push('{"requests":');
    await settled();
    leaver.destroy();
    expect(await left).toEqual({ type: 'broken_off' });
    await expectNothingStored(fixture);
  });
});

it('estimates and creates take turns at the same scanners', async () => {
  const fixture = await intakeFixture({ concurrentUploads: 1 });
  const [asked, created, askedLater] = [openStream(), openStream(), openStream()];
  const order: string[] = [];
  const outcomes = [
    fixture.intake.estimate(asked, RESPECT).finally(() => order.push('estimate')),
    fixture.receive(created).finally(() => order.push('create')),
    fixture.intake.estimate(askedLater, RESPECT).finally(() => order.push('later')),
  ];
  for (const stream of [askedLater, created, asked]) {
    stream.push(bodyOf(2));
    stream.push(null);
  }
  expect((await Promise.all(outcomes)).map(({ type }) => type)).toEqual(['estimated', 'accepted', 'estimated']);
  expect(order).toEqual(['estimate', 'create', 'later']);
});
