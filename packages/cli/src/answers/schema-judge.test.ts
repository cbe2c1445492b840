import { isJsonObject, type JsonObject } from '@batchwright/core';
import type { SettledResult, Verdict } from '@batchwright/client';
import { describe, expect, it, test, vi } from 'vitest';
import { messageOf } from './answers.fixture.ts';
import { BadSchemaError, schemaJudge } from './schema-judge.ts';

const SCHEMA = {
  type: 'object',
  properties: { label: { enum: ['good', 'bad'] }, score: { type: 'integer' } },
  required: ['label'],
  additionalProperties: false,
};
const ASKED: JsonObject = { model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Judge this.' }] };

function settled(message: unknown): SettledResult {
  return {
    customId: 'a',
    request: 0,
    result: { type: 'succeeded', message: message as never },
    line: new Uint8Array(),
    attempts: 1,
    rejection: null,
  };
}

async function judged(text: string, asked: JsonObject = ASKED, stopReason = 'end_turn'): Promise<Verdict> {
  const content = text === '' ? [] : [{ type: 'text', text }];
  return schemaJudge(SCHEMA, 'label.json')(settled(messageOf(content, stopReason)), async () => asked);
}

function messagesOf(verdict: Verdict): readonly unknown[] {
  const messages = verdict.type === 'rejected' ? verdict.params?.['messages'] : null;
  return Array.isArray(messages) ? (messages as readonly unknown[]) : [];
}

describe('an answer that matches', () => {
  test.each(['{"label":"good"}', ' {"label":"bad","score":3}\n', 'Sure:\n```json\n{"label":"good"}\n```\n'])(
    'is taken: %j',
    async (text) => expect(await judged(text)).toEqual({ type: 'accepted' }),
  );

  it('is taken without reading what was asked', async () => {
    const params = vi.fn<() => Promise<JsonObject>>(async () => ASKED);
    const message = messageOf([{ type: 'text', text: '{"label":"good"}' }]);
    await schemaJudge(SCHEMA, 'label.json')(settled(message), params);
    expect(params).not.toHaveBeenCalled();
  });

  it('is taken though its beginning stands in the request', async () => {
    const begun = {
      ...ASKED,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '{"label":' },
      ],
    };
    expect(await judged('"good"}', begun)).toEqual({ type: 'accepted' });
  });

  it('is taken though it reached max_tokens', async () => {
    expect(await judged('{"label":"good"}', ASKED, 'max_tokens')).toEqual({ type: 'accepted' });
  });
});

describe('an answer that does not match', () => {
  test.each([
    ['I think it is good.', 'the answer is not JSON'],
    ['', 'the answer is not JSON'],
    [
      '{"label":"fine"}',
      `the answer does not match the schema: /label must be equal to one of the allowed values: ["good","bad"]`,
    ],
    [
      '{"score":1.5,"x":1}',
      `the answer does not match the schema: it must have required property 'label'; it must NOT have additional properties: "x"; /score must be integer`,
    ],
  ])('is rejected with the reason: %j', async (text, reason) => {
    expect(await judged(text)).toMatchObject({ type: 'rejected', reason });
  });

  it('is asked for again in the same conversation, with what was wrong', async () => {
    const verdict = await judged('{"label":"fine"}\n');
    expect(verdict).toMatchObject({ params: { model: 'm', max_tokens: 50 } });
    const [asked, said, demand] = messagesOf(verdict);
    expect(asked).toEqual({ role: 'user', content: 'Judge this.' });
    expect(said).toEqual({ role: 'assistant', content: '{"label":"fine"}' });
    expect(demand).toMatchObject({ role: 'user', content: expect.stringContaining('/label must be equal to one of') });
    expect(demand).toMatchObject({ content: expect.stringContaining(JSON.stringify(SCHEMA)) });
    expect(messagesOf(verdict)).toHaveLength(3);
  });

  it('is not repeated where there is none, since the API refuses empty text', async () => {
    expect(messagesOf(await judged('')).map((turn) => isJsonObject(turn) && turn['role'])).toEqual(['user', 'user']);
  });

  it('is repeated with its beginning', async () => {
    const begun = {
      ...ASKED,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '{"label":' },
      ],
    };
    expect(messagesOf(await judged('"fine"}', begun))[1]).toEqual({ role: 'assistant', content: '{"label":"fine"}' });
  });

  it('is not told the schema where the request has it', async () => {
    const knowing = { ...ASKED, output_config: { format: { type: 'json_schema', schema: SCHEMA } } };
    expect(JSON.stringify(messagesOf(await judged('no', knowing)))).not.toContain('additionalProperties');
  });

  test.each([
    ['{"label":', 'max_tokens', 'the answer was cut off at max_tokens, 50; raise it with --max-tokens'],
    ['I cannot.', 'refusal', 'the model refused to answer'],
  ])('is not asked for again where that brings the same: %j', async (text, stopReason, reason) => {
    expect(await judged(text, ASKED, stopReason)).toEqual({ type: 'rejected', reason, params: null });
  });

  it('that calls a tool says which', async () => {
    const message = messageOf([{ type: 'tool_use', id: 't', name: 'look', input: {} }], 'tool_use');
    const verdict = await schemaJudge(SCHEMA, 'label.json')(settled(message), async () => ASKED);
    expect(verdict).toEqual({ type: 'rejected', reason: 'the answer calls look instead of giving JSON', params: null });
  });

  it('tells a few of many faults', async () => {
    const schema = { type: 'array', items: { type: 'string' } };
    const message = messageOf([{ type: 'text', text: '[1,2,3,4,5,6,7]' }]);
    const verdict = await schemaJudge(schema, 'x')(settled(message), async () => ASKED);
    expect(verdict).toMatchObject({
      reason: expect.stringMatching(/: \/0 must be string; .*\/4 must be string; and 2 more$/),
    });
  });
});

describe('a schema', () => {
  it('may be of draft 07', async () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      items: [{ type: 'string' }],
      additionalItems: false,
    };
    const judge = schemaJudge(schema, 'x');
    const of = (text: string) => settled(messageOf([{ type: 'text', text }]));
    expect(await judge(of('["a"]'), async () => ASKED)).toEqual({ type: 'accepted' });
    expect(await judge(of('["a","b"]'), async () => ASKED)).toMatchObject({ type: 'rejected' });
  });

  it('may be of draft 2020-12, with formats as notes and words of other tools', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    const sound = { $schema, prefixItems: [{ type: 'string', format: 'date-time' }], 'x-note': 1 };
    expect(() => schemaJudge(sound, 'x')).not.toThrow();
  });

  test.each([
    [[1], 'label.json is no JSON schema: it must be an object.'],
    [{ type: 'strin' }, 'label.json is no sound JSON schema: schema is invalid: data/type must be equal to one of'],
    [{ $ref: '#/nowhere' }, `label.json is no sound JSON schema: can't resolve reference #/nowhere`],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, 'the drafts understood are 2020-12 and 07'],
    [{ $async: true }, '"$async"'],
  ])('that nothing can be judged by is refused: %j', (schema, message) => {
    const make = () => schemaJudge(schema, 'label.json');
    expect(make).toThrow(BadSchemaError);
    expect(make).toThrow(message);
  });
});
