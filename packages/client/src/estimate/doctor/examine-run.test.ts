import { describe, expect, it } from 'vitest';
import type { BulkRequest } from '../../plan/bulk-request.ts';
import { BadRequestsError } from '../../plan/bulk-request.ts';
import { estimateRun } from '../estimate-run.ts';
import { examineRun, type ExamineOptions } from './examine-run.ts';
import { findingText } from './finding-text.ts';
import type { Finding } from './finding.ts';
import { many, prose, question, request, text, user } from './workload.fixture.ts';

const AT_MS = Date.parse('2026-11-21T00:00:00Z');

async function findings(
  requests: readonly BulkRequest[],
  options: Partial<ExamineOptions> = {},
): Promise<readonly Finding[]> {
  return (await examineRun(() => requests, { atMs: AT_MS, ...options })).findings;
}

const SYSTEM = prose(1, 3000);
const HOUR = { type: 'ephemeral', ttl: '1h' };
const FIVE_MINUTES = { type: 'ephemeral' };
const TOOLS = ['search', 'lookup', 'weather'].map((name, i) => ({
  name,
  description: prose(i + 50, 600),
  input_schema: { type: 'object', properties: {} },
}));

describe('a run that is as it should be', () => {
  it.each([
    ['documents and questions', many(60, (i) => ({ messages: [user(text(prose(i % 3, 2000)), question(i))] }))],
    ['a system prompt as a text', many(40, (i) => ({ system: SYSTEM, messages: [user(question(i))] }))],
    ['tools', many(40, (i) => ({ tools: TOOLS, system: SYSTEM, messages: [user(question(i))] }))],
    ['nothing in common', many(40, (i) => ({ messages: [user(text(prose(i, 3000)))] }))],
    ['a marker on what is shared', many(40, (i) => ({ system: [text(SYSTEM, HOUR)], messages: [user(question(i))] }))],
    ['one request', many(1, () => ({ messages: [user(question(1))] }))],
    [
      'other answers',
      many(40, (i) => ({
        system: SYSTEM,
        temperature: i / 40,
        metadata: { user_id: `${i}` },
        messages: [user(question(i))],
      })),
    ],
  ])('has no findings: %s', async (_, requests) => {
    expect(await findings(requests)).toEqual([]);
  });
});

describe('where prompts part', () => {
  // Which pairs are looked at is chance: of most runs the first pair differs in the tens of seconds, of some not before the last digit.
  it('is shown by the pair that parts first', async () => {
    const dated = many(40, (i) => ({ system: `It is 10:00:${10 + i}Z. ${SYSTEM}`, messages: [user(question(i))] }));
    for (let run = 0; run < 20; run++) {
      const [found] = await findings(dated);
      expect(found).toMatchObject({ code: 'varying_value', difference: { path: 'system', offset: 12 } });
    }
  });
});

describe('markers and lengths', () => {
  it('a prefix below the minimum: how many tokens are missing', async () => {
    const [found, ...others] = await findings(
      many(50, (i) => ({ system: prose(1, 700), messages: [user(question(i))] })),
    );
    expect(found).toMatchObject({ code: 'prefix_below_minimum', minimum: 1024, count: 50 });
    expect(others).toEqual([]);
    expect(textOf(found)).toMatch(
      /share at most 70\d tokens \(estimated\), and claude-sonnet-4-5 caches from 1,024 on: 32\d are missing/,
    );
  });

  it('a marker on the last message of one-shots, whose loss is what writing costs beyond input', async () => {
    const requests = many(20, (i) => ({
      system: [text(SYSTEM, HOUR)],
      messages: [user(text(prose(i + 9, 400), HOUR))],
    }));
    const [found, ...others] = await findings(requests);
    expect(found).toMatchObject({ code: 'marker_on_last_block', path: 'messages[0].content[0]', count: 20 });
    expect(others).toEqual([]);
    // About 20 × 400 tokens, at 2 instead of 1 times $3 a million, halved.
    expect(found?.loss.nanoUsd).toBeGreaterThan(11_500_000);
    expect(found?.loss.nanoUsd).toBeLessThan(12_500_000);
  });

  it('the same by the marker at the top of params', async () => {
    const requests = many(20, (i) => ({ cache_control: FIVE_MINUTES, messages: [user(text(prose(i, 2000)))] }));
    expect(codes(await findings(requests))).toEqual(['marker_on_last_block']);
  });

  it('a marker on a block of its own in the middle', async () => {
    const requests = many(20, (i) => ({ messages: [user(text(prose(i, 2000), HOUR), text(prose(i + 500, 20)))] }));
    expect(await findings(requests)).toMatchObject([
      { code: 'marker_on_varying_block', path: 'messages[0].content[0]', count: 20 },
    ]);
  });

  it('five-minute markers, since waves lie further apart', async () => {
    const requests = many(20, (i) => ({ system: [text(SYSTEM, FIVE_MINUTES)], messages: [user(question(i))] }));
    const [found, ...others] = await findings(requests);
    expect(found).toMatchObject({ code: 'ttl_too_short', count: 20 });
    expect(others).toEqual([]);
  });

  it('no markers, where they are taken as they are', async () => {
    const requests = many(20, (i) => ({ system: SYSTEM, messages: [user(question(i))] }));
    expect(codes(await findings(requests, { markers: 'respect' }))).toEqual(['no_markers']);
  });

  it('an entry more than twenty blocks before the next marker', async () => {
    const start = Array.from({ length: 4 }, (_, i) => text(prose(i, 1000), i === 3 ? HOUR : undefined));
    const turns = (from: number): object[] =>
      Array.from({ length: 30 }, (_, i) => text(prose(from + i, 30), i === 29 ? HOUR : undefined));
    const requests = [
      ...many(6, (i) => ({ messages: [user(...start, question(i))] })),
      ...Array.from({ length: 6 }, (_, i) =>
        request(`long${i}`, {
          messages: [user(...start.map((block) => ({ ...block, cache_control: undefined })), ...turns(1000 + 100 * i))],
        }),
      ),
    ];
    const found = await findings(requests, { markers: 'respect' });
    expect(found.find(({ code }) => code === 'too_far_apart')).toMatchObject({
      blocks: 30,
      count: 6,
      customIds: ['long0', 'long1', 'long2'],
    });
  });
});

describe('tools in another order', () => {
  const reordered = [TOOLS[1], TOOLS[0], TOOLS[2]];

  it('names the first that differs', async () => {
    const requests = many(9, (i) => ({ tools: i % 3 === 0 ? reordered : TOOLS, messages: [user(question(i))] }));
    const [found, ...others] = await findings(requests);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      code: 'tool_order_differs',
      count: 3,
      orders: 2,
      left: 'search',
      right: 'lookup',
      customIds: ['r1', 'r0'],
    });
    expect(textOf(found)).toContain('where one has search, the other has lookup');
  });

  it('loses what is shared behind the tools too', async () => {
    const run = (system: string): readonly BulkRequest[] =>
      many(9, (i) => ({ tools: i % 3 === 0 ? reordered : TOOLS, system, messages: [user(question(i))] }));
    const [short] = await findings(run(prose(4, 10)));
    const [long] = await findings(run(prose(4, 2010)));
    // 3 that write or pay 2,000 tokens more, where all 9 could have shared one entry: 2 + 0.2 − 3 · 0.1 at $1.50 a million.
    const more = (long?.loss.nanoUsd ?? NaN) - (short?.loss.nanoUsd ?? NaN);
    expect(more / (2000 * (2 + 0.2 - 3 * 0.1) * 1500)).toBeCloseTo(1, 1);
  });
});

describe('values that vary', () => {
  const varied: readonly (readonly [string, (i: number) => string])[] = [
    ['a time', (i) => `2026-11-21T10:${String(i).padStart(2, '0')}:07Z`],
    ['a date', (i) => `2026-10-${String(i + 1).padStart(2, '0')}`],
    ['a UUID', (i) => `3f2b8c1e-0d4a-4b7e-9c55-${String(i).padStart(12, '0')}`],
    ['a number', (i) => String(17 + i)],
    ['an id', (i) => `req_7f3ka${i}`],
  ];

  it.each(varied)('early in the system prompt: %s', async (look, value) => {
    const requests = many(30, (i) => ({
      system: `You are a clerk. Now: ${value(i)}. ${SYSTEM}`,
      messages: [user(question(i))],
    }));
    const [found, ...others] = await findings(requests);
    expect(found).toMatchObject({
      code: 'varying_value',
      difference: { look, path: 'system' },
      count: 30,
      variants: 30,
    });
    expect(others).toEqual([]);
    expect(textOf(found)).toContain(`nearly the same up to ${look} in system, at byte `);
  });

  it('in the description of a tool', async () => {
    const tool = (i: number): object => ({ ...TOOLS[0], description: `Session ${1000 + i}: ${prose(77, 2000)}` });
    const requests = many(30, (i) => ({ tools: [tool(i)], messages: [user(question(i))] }));
    expect(await findings(requests)).toMatchObject([
      {
        code: 'varying_value',
        difference: { look: 'a number', path: 'tools[0].description', before: expect.stringMatching(/Session 10+$/) },
      },
    ]);
  });

  it('in a small block before a large one that is the same', async () => {
    const requests = many(30, (i) => ({
      system: [text(`Today is 2026-11-21 10:${10 + i}.`), text(SYSTEM)],
      messages: [user(question(i))],
    }));
    expect(await findings(requests)).toMatchObject([
      { code: 'varying_value', difference: { path: 'system[0].text', look: 'a time' }, variants: 30 },
    ]);
  });

  it('costs what is paid for each and need not be', async () => {
    const requests = many(100, (i) => ({
      system: [text(`Run ${100 + i}`), text(prose(3, 10_000))],
      messages: [user(question(i))],
    }));
    const [found] = await findings(requests);
    // 100 × 10,000 tokens as input, less one written for an hour and 99 read, at $1.50 a million.
    const expected = 10_000 * (100 - 2 - 9.9) * 1500;
    expect(found?.loss.nanoUsd).toBeGreaterThan(expected * 0.98);
    expect(found?.loss.nanoUsd).toBeLessThan(expected * 1.02);
  });
});

describe('requests that are nearly identical', () => {
  it('shows the first byte that differs, and who it is', async () => {
    const names = ['Anna', 'Bert', 'Carl', 'Dora', 'Emil', 'Fred'];
    const requests = many(6, (i) => ({ system: `Dear ${names[i]}, ${SYSTEM}`, messages: [user(question(i))] }));
    const [found] = await findings(requests);
    expect(found).toMatchObject({
      code: 'nearly_identical',
      count: 6,
      variants: 6,
      difference: { path: 'system', offset: 5, before: '"Dear ' },
    });
    expect(found?.customIds).toHaveLength(2);
  });

  it('white space and letter case are called so', async () => {
    const blank = many(2, (i) => ({
      system: `You are${i === 0 ? ' ' : '  '}a clerk. ${SYSTEM}`,
      messages: [user(question(i))],
    }));
    expect(await findings([...blank, ...more(blank)])).toMatchObject([{ difference: { look: 'white space' } }]);
    const letters = many(2, (i) => ({
      system: `${i === 0 ? 'You' : 'you'} are a clerk. ${SYSTEM}`,
      messages: [user(question(i))],
    }));
    expect(await findings([...letters, ...more(letters)])).toMatchObject([{ difference: { look: 'letter case' } }]);
  });

  it('what differs comes before what is shared', async () => {
    const requests = many(30, (i) => ({ messages: [user(question(i), text(SYSTEM))] }));
    expect(await findings(requests)).toMatchObject([
      { code: 'nearly_identical', difference: { path: 'messages[0].content[0].text', offset: 0 }, variants: 30 },
    ]);
  });

  it('among many others', async () => {
    const document = (i: number): string =>
      `Printed 2026-11-21T10:00:${String(i % 2).padStart(2, '0')}Z. ${prose(i >> 1, 1200 + (i >> 1) * 40)}`;
    const requests = many(80, (i) => ({ messages: [user(text(document(i)), question(i))] }));
    const found = (await findings(requests)).find(({ code }) => code === 'varying_value');
    expect(found).toMatchObject({ difference: { look: 'a time', path: 'messages[0].content[0].text' } });
    expect(found?.count).toBeGreaterThan(40);
  });

  it('a shared part that ends inside a block', async () => {
    const requests = many(30, (i) => ({
      messages: [{ role: 'user', content: `${SYSTEM}\n\nText: ${prose(i + 100, 900)}` }],
    }));
    expect(await findings(requests)).toMatchObject([
      { code: 'shared_within_block', difference: { path: 'messages[0].content' }, count: 30, variants: 30 },
    ]);
  });
});

describe('settings that differ from request to request', () => {
  it.each([
    ['thinking', (i: number) => ({ thinking: { type: 'enabled', budget_tokens: 1024 + i } })],
    ['output_config', (i: number) => ({ output_config: { effort: i % 2 === 0 ? 'low' : 'high' } })],
  ])('%s', async (name, settings) => {
    const requests = many(10, (i) => ({ ...settings(i), system: SYSTEM, messages: [user(question(i))] }));
    expect(await findings(requests)).toMatchObject([{ code: 'settings_differ', names: [name], count: 10 }]);
  });

  it('tool_choice counts for messages alone', async () => {
    const requests = many(10, (i) => ({
      tools: TOOLS,
      tool_choice: { type: i % 2 === 0 ? 'auto' : 'any' },
      messages: [user(text(SYSTEM), question(i))],
    }));
    expect(await findings(requests)).toMatchObject([{ code: 'settings_differ', names: ['tool_choice'], variants: 2 }]);
  });

  it('an image in some of them', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
    const requests = many(10, (i) => ({
      messages: [user(text(SYSTEM), ...(i % 2 === 0 ? [image] : []), question(i))],
    }));
    const found = (await findings(requests)).find(({ code }) => code === 'settings_differ');
    expect(found).toMatchObject({ names: ['images'], variants: 2 });
    expect(textOf(found)).toContain('differ in images');
  });

  it('the model', async () => {
    const models = ['claude-sonnet-4-5', 'claude-opus-4-8', 'claude-sonnet-5'];
    const requests = many(9, (i) => ({ model: models[i % 3], system: SYSTEM, messages: [user(question(i))] }));
    expect(await findings(requests)).toMatchObject([
      { code: 'models_differ', count: 9, models: expect.arrayContaining(models) },
    ]);
  });
});

describe('an examination', () => {
  it('names the dearest first', async () => {
    const requests = [
      ...many(30, (i) => ({ system: `Run ${100 + i}: ${prose(5, 5000)}`, messages: [user(question(i))] })),
      ...Array.from({ length: 30 }, (_, i) =>
        request(`m${i}`, { messages: [user(text(prose(i + 200, 1500), FIVE_MINUTES))] }),
      ),
    ];
    const found = await findings(requests);
    expect(codes(found)).toEqual(['varying_value', 'marker_on_last_block']);
  });

  it('ranks by tokens, and names no amounts, where there are no prices', async () => {
    const requests = many(30, (i) => ({
      model: 'my-model',
      system: `Run ${100 + i}: ${SYSTEM}`,
      messages: [user(question(i))],
    }));
    expect(await findings(requests)).toMatchObject([{ code: 'varying_value', loss: { nanoUsd: null } }]);
  });

  it.each([
    ['a time in front', (i: number) => `Printed 10:${10 + i}. `, 8000],
    ['a name in front', (i: number) => `Dear ${prose(i + 70, 3)}, `, 5000],
  ])('the loss is what the estimate falls by once it is mended: %s', async (_, front, tokens) => {
    const run = (system: (i: number) => string): readonly BulkRequest[] =>
      many(40, (i) => ({ system: system(i), messages: [user(question(i))] }));
    const [found] = await findings(run((i) => front(i) + prose(5, tokens)));
    const [bad, mended] = await Promise.all(
      [run((i) => front(i) + prose(5, tokens)), run(() => prose(5, tokens))].map(async (requests) => {
        const { nanoUsd } = await estimateRun(requests, { atMs: AT_MS });
        return nanoUsd?.expected ?? NaN;
      }),
    );
    expect((found?.loss.nanoUsd ?? NaN) / ((bad ?? NaN) - (mended ?? NaN))).toBeCloseTo(1, 1);
  });

  it('concludes from some to all, and says so', async () => {
    const requests = many(2000, (i) => ({
      system: `Run ${10_000 + i}: ${prose(5, 1500)}`,
      messages: [user(question(i))],
    }));
    expect(await findings(requests)).toMatchObject([{ count: 2000, variants: 2000, isSampled: true }]);
  });

  it('refuses what cannot be run, and an input that changes meanwhile', async () => {
    await expect(findings([request('a b', {})])).rejects.toThrow(BadRequestsError);
    let size = 4;
    const shrinking = (): readonly BulkRequest[] => many(size--, (i) => ({ messages: [user(question(i))] }));
    await expect(examineRun(shrinking, { atMs: AT_MS })).rejects.toThrow('The input changed while it was read.');
  });
});

function codes(found: readonly Finding[]): readonly string[] {
  return found.map(({ code }) => code);
}

function textOf(finding: Finding | undefined): string {
  return finding === undefined ? '' : findingText(finding).problem;
}

/** The same system prompts with other questions. */
function more(requests: readonly BulkRequest[]): readonly BulkRequest[] {
  return requests.map((each, i) =>
    'params' in each ? request(`more${i}`, { ...each.params, messages: [user(question(i + 50))] }) : each,
  );
}
