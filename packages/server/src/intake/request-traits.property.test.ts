import type { ApiVersion } from '@batchwright/protocol';
import { batchRefusal } from '@batchwright/core';
import { BodyScanner, TRAIT_DOCUMENTS, TRAIT_PLAIN } from '@batchwright/scan';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** The traits that intake notes against the rules they spare: params are never called plain that a rule refuses. */

const scanner = new BodyScanner(1, 1 << 16);

function traitsOf(params: string): number {
  const body = Buffer.from(`{"requests":[{"custom_id":"a","params":${params}}]}`);
  const [block] = scanner.blocks;
  if (block === undefined || body.length > block.length) throw new Error('The body does not fit the block.');
  block.set(body);
  scanner.begin((bytes) => new Uint8Array(bytes), 0n);
  const problem = scanner.feed(block.subarray(0, body.length)) ?? scanner.finish();
  if (problem.type !== 'accepted') throw new Error(`The body was refused: ${JSON.stringify(problem)}`);
  return scanner.index(1).traits[0] ?? 0;
}

const isPlain = (traits: number): boolean => (traits & TRAIT_PLAIN) !== 0;
const hasDocuments = (traits: number): boolean => (traits & TRAIT_DOCUMENTS) !== 0;

// Params are written out and not made by JSON.stringify: keys come twice, and spelled with escapes.

const space = fc.constantFrom('', '', '', ' ', '\n');
const text = fc.oneof(fc.constantFrom('"a"', '""', '"\\"cache_control\\":{}"', '"\\n"'), {
  weight: 1,
  arbitrary: fc.string({ maxLength: 5 }).map((value) => JSON.stringify(value)),
});

function key(name: string): fc.Arbitrary<string> {
  const escaped = fc.nat(name.length - 1).map((at) => {
    const unit = name.charCodeAt(at).toString(16).padStart(4, '0');
    return `"${name.slice(0, at)}\\u${unit}${name.slice(at + 1)}"`;
  });
  return fc.oneof({ weight: 30, arbitrary: fc.constant(`"${name}"`) }, { weight: 1, arbitrary: escaped });
}

type Member = readonly [name: string, value: fc.Arbitrary<string>];

function member([name, value]: Member): fc.Arbitrary<string> {
  return fc.tuple(space, key(name), space, value).map(([a, k, b, v]) => `${a}${k}${b}:${v}`);
}

/** Most often each member once, in any order; sometimes any of them any number of times. */
function object(members: readonly Member[]): fc.Arbitrary<string> {
  const all = members.map(member);
  const each = fc.shuffledSubarray([...all.keys()], { minLength: 0 });
  const some = each.chain((order) => fc.tuple(...order.map((i) => all[i] as fc.Arbitrary<string>)));
  const many = fc.array(fc.oneof(...all), { maxLength: 5 });
  return fc
    .oneof({ weight: 4, arbitrary: some }, { weight: 1, arbitrary: many })
    .map((parts) => `{${parts.join(',')}}`);
}

function list(item: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.array(item, { maxLength: 3 }).map((items) => `[${items.join(',')}]`);
}

const marker = fc.constantFrom('{"type":"ephemeral"}', '{"type":"ephemeral","ttl":"2h"}', 'null', '"odd"', '{}');
const types = fc.constantFrom('"text"', '"tool_result"', '"search_result"', '"document"', '"thinking"', '"image"');

function block(depth: number): fc.Arbitrary<string> {
  const nested = depth === 0 ? text : list(fc.oneof(text, block(depth - 1)));
  const members: Member[] = [
    ['type', types],
    ['text', text],
    ['content', nested],
    ['source', fc.oneof(text, object([['content', nested]]))],
    ['citations', fc.oneof(fc.constantFrom('null', '{"enabled":true}', '[]'), list(object([['cited_text', text]])))],
  ];
  return fc.oneof(object(members), object(members), object([...members, ['cache_control', marker]]));
}

const content = fc.oneof(text, list(block(2)), list(fc.oneof(text, block(1))));
const roles = fc.constantFrom('"user"', '"assistant"');
const message = object([
  ['role', roles],
  ['content', content],
]);
const scalar = fc.constantFrom('true', 'false', 'null', '0', '1', '"standard"', '"active"', '[]', '{}', '"x"');
const maxTokens = fc.constantFrom('1', '5', '1024', '0', '-1', '0.5', '1e3', '"5"', 'null', '[7]', '5', '5');
const harmless: readonly Member[] = [
  ['model', text],
  ['messages', fc.oneof(list(message), list(message), list(fc.oneof(message, text)), scalar)],
  ['max_tokens', maxTokens],
];
const others: readonly Member[] = [
  ['system', fc.oneof(content, scalar)],
  ['tools', fc.oneof(list(block(1)), scalar)],
  ['metadata', scalar],
];
const ruled = ['stream', 'speed', 'store', 'betas', 'temperature', 'top_p', 'fallbacks', 'thread', '__proto__', 'odd'];
const params = fc.oneof(
  object([...harmless, ...others]),
  fc.tuple(...harmless.map(member)).map((parts) => `{${parts.join(',')}}`),
  fc.tuple(...[...harmless, ...others].map(member)).map((parts) => `{${parts.join(',')}}`),
  object([...harmless, ...others, ...ruled.map((name): Member => [name, scalar]), ['cache_control', marker]]),
);

const RUNS = Number(process.env['BATCHWRIGHT_FUZZ_RUNS'] ?? 3_000);

describe('the traits of a request', () => {
  it.each<ApiVersion>(['2023-01-01', '2023-06-01', '2026-10-21'])(
    'never vouch for what version %s refuses',
    (version) => {
      let vouchedFor = 0;
      fc.assert(
        fc.property(params, (written) => {
          const traits = traitsOf(written);
          if (!isPlain(traits) || (version === '2026-10-21' && hasDocuments(traits))) return;
          vouchedFor++;
          expect(batchRefusal(JSON.parse(written), version)).toBe(null);
        }),
        { numRuns: RUNS },
      );
      expect(vouchedFor).toBeGreaterThan(RUNS / 20);
    },
  );

  const usual = '"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]';

  it.each([
    ['the usual params', `{${usual}}`],
    ['escapes that spell no key', `{${usual.replace('"a"', '"a\\n\\"b\\\\\\/"')}}`],
    [
      'every key that no rule speaks of',
      `{${usual},"system":"s","tools":[{"name":"t","input_schema":{"properties":{"cache_control":{}}}}],"tool_choice":{},
       "metadata":{},"stop_sequences":[],"thinking":{},"output_config":{},"service_tier":"auto","inference_geo":"eu"}`,
    ],
    ['words that mean something only as keys', `{${usual.replace('"a"', '"cache_control"')}}`],
  ])('vouch for %s', (_, written) => {
    expect(traitsOf(written)).toBe(TRAIT_PLAIN);
  });

  it.each([
    ['a key with a rule', `{${usual},"stream":false}`],
    ['a key that nobody knows', `{${usual},"odd":1}`],
    ['a marker anywhere', `{${usual.replace('"text":"a"', '"text":"a","x":{"cache_control":null}')}}`],
    ['an answer of no length', `{${usual},"max_tokens":0}`],
    ['no model', `{${usual.replace('"model":"m",', '')}}`],
    ['text with a character spelled by its number', `{${usual.replace('"a"', '"\\u0061"')}}`],
  ])('leave %s to a closer look', (_, written) => {
    expect(traitsOf(written)).toBe(0);
  });

  it.each([
    ['a document', `{${usual.replace('"text"', '"document"')}}`],
    ['citations', `{${usual.replace('"text":"a"', '"text":"a","citations":[]')}}`],
    ['citations in what a block nests', `{${usual.replace('"text":"a"', '"content":[{"citations":[]}]')}}`],
  ])('tell of %s', (_, written) => {
    expect(traitsOf(written)).toBe(TRAIT_PLAIN | TRAIT_DOCUMENTS);
  });

  it('are those of the params given last', () => {
    const twice = `{${usual},"stream":true},"params":{${usual}}`;
    expect(traitsOf(twice)).toBe(TRAIT_PLAIN);
    expect(isPlain(traitsOf(`{${usual}},"params":{${usual},"stream":true}`))).toBe(false);
  });
});
