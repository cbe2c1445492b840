import type { PromptBlocks } from '@batchwright/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notedBlocks, scanBody } from './body.fixture.ts';
import { Identities, notedPrompts } from './prompt-blocks.oracle.fixture.ts';

/**
 * What the scanner notes of prompts against the oracle, over params written in every way that JSON allows. Texts and
 * names are few, so that requests often have the start of their prompts in common.
 */

const RUNS = Number(process.env['BATCHWRIGHT_FUZZ_RUNS'] ?? 2_000);

/** JSON to be written; objects are lists of members, since keys may come twice. */
type Draft = string | { readonly members: readonly Member[] } | { readonly items: readonly Draft[] };
type Member = readonly [key: string, value: Draft];

const text = fc.constantFrom(
  '',
  'a',
  'b',
  'ü',
  '\\n',
  '\\u00fc',
  '\\ud83d\\ude00',
  '\\"',
  '漢',
  'text',
  'x'.repeat(40),
);
const string = text.map((raw) => `"${raw}"`);
const scalar = fc.oneof(string, fc.constantFrom('null', 'true', '0', '-1.5e3', '12'));
const junkKey = fc.constantFrom('a', 'é', 'x'.repeat(70), 'role', 'url', 'input', 'max_tokens');
const junk: fc.Memo<Draft> = fc.memo((depth) =>
  depth <= 1
    ? scalar
    : fc.oneof(
        { weight: 3, arbitrary: scalar },
        { weight: 1, arbitrary: fc.array(junk(depth - 1), { maxLength: 3 }).map((items) => ({ items })) },
        { weight: 1, arbitrary: members(fc.tuple(anyKey, junk(depth - 1))) },
      ),
);

const anyKey = fc.oneof(
  junkKey,
  fc.constantFrom('type', 'text', 'data', 'content', 'source', 'media_type', 'citations', 'cache_control', 'ttl'),
);

function members(entry: fc.Arbitrary<Member>, maxLength = 3): fc.Arbitrary<Draft> {
  return fc.array(entry, { maxLength }).map((list) => ({ members: list }));
}

/** The members in any order, some left out, some given twice with another value. */
function shuffled(entries: readonly fc.Arbitrary<Member>[], needed = 0): fc.Arbitrary<Draft> {
  return fc
    .tuple(
      fc.tuple(...entries),
      fc.tuple(...entries),
      fc.array(fc.nat({ max: 7 }), { minLength: entries.length, maxLength: entries.length }),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 8 }),
    )
    .map(([all, others, fate, inOrder, swaps]) => {
      const kept = all.flatMap((entry, i) =>
        i >= needed && fate[i] === 0 ? [] : fate[i] === 1 && i >= needed ? [entry, others[i] ?? entry] : [entry],
      );
      if (inOrder) return { members: kept };
      swaps.forEach((from, to) => {
        const [a, b] = [from % kept.length, to % kept.length];
        const [x, y] = [kept[a], kept[b]];
        if (x !== undefined && y !== undefined) [kept[a], kept[b]] = [y, x];
      });
      return { members: kept };
    });
}

const pair = (key: string, value: fc.Arbitrary<Draft>): fc.Arbitrary<Member> => value.map((v) => [key, v]);
const word = (...words: readonly string[]): fc.Arbitrary<Draft> => fc.constantFrom(...words.map((w) => `"${w}"`));
const mostly = (usual: fc.Arbitrary<Draft>, odd: fc.Arbitrary<Draft> = junk(3)): fc.Arbitrary<Draft> =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: odd });

const marker = mostly(
  shuffled([
    pair('type', mostly(word('ephemeral'))),
    pair('ttl', mostly(fc.oneof(word('5m', '1h'), fc.constant('null')))),
  ]),
  fc.oneof(fc.constant('null'), junk(2)),
);
const marked = pair('cache_control', marker);
const cited = pair('citations', fc.oneof(fc.constant('null'), junk(3)));
const oddMember = fc.tuple(anyKey, junk(3));

/** `rest` may be left out or come twice, and sometimes another type comes too. */
function block(types: readonly string[], rest: readonly fc.Arbitrary<Member>[]): fc.Arbitrary<Draft> {
  const type = pair('type', word(...types));
  return fc.oneof(
    { weight: 9, arbitrary: shuffled([type, ...rest], 1) },
    { weight: 1, arbitrary: shuffled([type, pair('type', fc.oneof(word('text', 'thinking'), junk(2))), ...rest], 2) },
  );
}

const textBlock = block(['text'], [pair('text', mostly(string)), marked]);
const source = shuffled([
  pair('type', word('base64', 'url', 'file', 'text', 'content')),
  pair('media_type', word('image/png', 'application/pdf', 'im', 'im\\u0061ge/png')),
  pair('data', mostly(fc.oneof(string, fc.constant(`"${'QUJD'.repeat(20)}"`)))),
  pair('url', string),
]);
const imageBlock = block(['image'], [pair('source', mostly(source)), marked]);
const nested = fc.array(fc.oneof(textBlock, imageBlock), { maxLength: 2 }).map((items) => ({ items }));
const contentSource = shuffled([pair('type', word('content')), pair('content', nested)]);
const contentBlock = fc.oneof(
  { weight: 6, arbitrary: textBlock },
  { weight: 2, arbitrary: imageBlock },
  {
    weight: 2,
    arbitrary: block(['document'], [pair('source', fc.oneof(source, contentSource)), cited, marked]),
  },
  { weight: 2, arbitrary: block(['tool_result'], [pair('content', fc.oneof(nested, string)), marked]) },
  {
    weight: 1,
    arbitrary: block(
      ['thinking', 'redacted_thinking', 'tool_use', 'tool\\u005fuse'],
      [pair('thinking', string), marked],
    ),
  },
  { weight: 1, arbitrary: members(oddMember, 4) },
  { weight: 1, arbitrary: junk(3) },
);
const listOf = (item: fc.Arbitrary<Draft>, maxLength = 3): fc.Arbitrary<Draft> =>
  fc.array(item, { maxLength }).map((items) => ({ items }));
const content = mostly(fc.oneof(string, listOf(contentBlock)));
const message = mostly(
  fc.oneof(
    { weight: 8, arbitrary: shuffled([pair('content', content), pair('role', word('user', 'assistant'))], 1) },
    { weight: 1, arbitrary: shuffled([pair('content', content), oddMember, pair('content', content)]) },
  ),
);
const tool = mostly(
  shuffled([
    pair('name', word('a', 'b')),
    pair('description', string),
    pair('input_schema', junk(4)),
    pair('type', word('custom', 'image', 'base64')),
    marked,
  ]),
);
const params = shuffled([
  pair('messages', mostly(listOf(message))),
  pair('model', mostly(word('claude-sonnet-4-5', 'claude-sonnet-5', 'm', 'claude\\u002dsonnet-5', 'x'.repeat(257)))),
  pair('tools', mostly(listOf(tool, 2))),
  pair('system', mostly(fc.oneof(string, listOf(fc.oneof(textBlock, contentBlock), 2)))),
  pair('max_tokens', fc.constantFrom('1', '2')),
  pair('thinking', mostly(fc.constant({ members: [['type', '"disabled"']] }))),
  pair('tool_choice', fc.constantFrom<Draft>('null', { members: [['type', '"auto"']] })),
  pair('speed', word('standard', 'fast')),
  marked,
  fc.tuple(junkKey, junk(3)),
  pair('metadata', junk(3)),
]);

/** How a document is written: what stands between tokens, in turn, and which of the keys get an escape. */
interface Style {
  readonly spaces: readonly string[];
  readonly escapes: readonly boolean[];
}

const style: fc.Arbitrary<Style> = fc.record({
  spaces: fc.oneof(
    fc.constant(['']),
    fc.array(fc.constantFrom('', '', ' ', '\n', '\t \r\n', ' '.repeat(17)), { minLength: 1, maxLength: 7 }),
  ),
  escapes: fc.oneof(fc.constant([false]), fc.array(fc.boolean(), { minLength: 3, maxLength: 11 })),
});

function write(draft: Draft, { spaces, escapes }: Style): string {
  let spaced = 0;
  let keys = 0;
  const space = (): string => spaces[spaced++ % spaces.length] ?? '';
  const list = (open: string, parts: readonly string[], close: string): string =>
    `${open}${space()}${parts.join(`${space()},${space()}`)}${space()}${close}`;
  const spell = (key: string): string => {
    const code = key.charCodeAt(0).toString(16).padStart(4, '0');
    return escapes[keys++ % escapes.length] ? `"\\u${code}${key.slice(1)}"` : `"${key}"`;
  };
  const put = (part: Draft): string => {
    if (typeof part === 'string') return part;
    if ('items' in part) return list('[', part.items.map(put), ']');
    return list(
      '{',
      part.members.map(([key, value]) => `${spell(key)}${space()}:${space()}${put(value)}`),
      '}',
    );
  };
  return put(draft);
}

/** A change to one object or list of a draft: it loses a part, gets one, or has one changed. */
interface Change {
  readonly container: number;
  readonly part: number;
  readonly kind: 'remove' | 'insert' | 'rename' | 'replace';
  readonly key: string;
  readonly value: Draft;
}

const change: fc.Arbitrary<Change> = fc.record({
  container: fc.nat(),
  part: fc.nat(),
  kind: fc.constantFrom('remove', 'insert', 'rename', 'replace'),
  key: anyKey,
  value: fc.oneof({ weight: 3, arbitrary: junk(1) }, { weight: 1, arbitrary: fc.oneof(contentBlock, message) }),
});

function containersIn(draft: Draft): number {
  if (typeof draft === 'string') return 0;
  const parts = 'items' in draft ? draft.items : draft.members.map(([, value]) => value);
  return 1 + parts.reduce((count: number, part) => count + containersIn(part), 0);
}

function changed(draft: Draft, change: Change): Draft {
  let left = change.container % Math.max(1, containersIn(draft));
  const visit = (part: Draft): Draft => {
    if (typeof part === 'string') return part;
    if (left-- === 0)
      return 'items' in part
        ? { items: altered(part.items, change, change.value) }
        : alteredMembers(part.members, change);
    if ('items' in part) return { items: part.items.map(visit) };
    return { members: part.members.map(([key, value]) => [key, visit(value)] as const) };
  };
  return visit(draft);
}

function alteredMembers(list: readonly Member[], change: Change): Draft {
  const at = change.part % Math.max(1, list.length);
  const [key, value] = list[at] ?? [change.key, change.value];
  if (change.kind === 'rename' && list.length > 0) return { members: list.with(at, [change.key, value]) };
  return {
    members: altered(list, change, change.kind === 'replace' ? [key, change.value] : [change.key, change.value]),
  };
}

function altered<Part>(list: readonly Part[], { part, kind }: Change, by: Part): readonly Part[] {
  const at = part % Math.max(1, list.length);
  if (kind === 'insert' || list.length === 0) return list.toSpliced(at, 0, by);
  return kind === 'remove' ? list.toSpliced(at, 1) : list.with(at, by);
}

/** A body of requests that each are written in a way of their own, and say nearly the same. */
const bodies = fc
  .tuple(params, fc.array(fc.tuple(fc.array(change, { maxLength: 2 }), style), { minLength: 1, maxLength: 5 }))
  .map(([base, variants]) => {
    const items = variants.map(
      ([changes, how], i) => `{"custom_id":"r${i}","params":${write(changes.reduce(changed, base), how)}}`,
    );
    return `{"requests":[${items.join(',')}]}`;
  });

interface Noted {
  readonly model: string;
  readonly blocks: readonly { readonly hash: number; readonly tokens: number; readonly traits: number }[];
}

function prompts(noted: PromptBlocks): readonly Noted[] {
  return Array.from({ length: noted.requestCount }, (_, request) => ({
    model: noted.models[noted.model[request] ?? -1] ?? 'none',
    blocks: Array.from(
      noted.hash.subarray(noted.firstBlock[request] ?? NaN, noted.firstBlock[request + 1] ?? NaN),
      (hash, i) => {
        const block = (noted.firstBlock[request] ?? NaN) + i;
        return { hash, tokens: noted.tokens[block] ?? NaN, traits: noted.traits[block] ?? NaN };
      },
    ),
  }));
}

function noted(body: string, cuts: readonly number[] = []): PromptBlocks {
  const verdict = scanBody(new TextEncoder().encode(body), cuts);
  if (verdict.type !== 'accepted') throw new Error(`The body was refused: ${verdict.problem.type}`);
  return notedBlocks();
}

/** Cheap to compare, thousands of times. */
function spelledOut({ firstBlock, hash, tokens, traits, model, models }: PromptBlocks): string {
  return [firstBlock, hash, tokens, traits, model, models].map(String).join('|');
}

const identities = new Identities();
/** Over all bodies of a run: which identity a hash stands for, and which hash for an identity. */
const identityOfHash = new Map<number, number>();
const hashOfIdentity = new Map<number, number>();

function expectAgreement(body: string): void {
  const found = prompts(noted(body));
  const expected = notedPrompts(body, identities);
  expect(found.map(({ model }) => model)).toEqual(expected.map(({ model }) => model));
  expected.forEach(({ blocks }, request) => {
    const own = found[request]?.blocks ?? [];
    const rest = ({ tokens, traits }: { tokens: number; traits: number }): object => ({ tokens, traits });
    expect(own.map(rest)).toEqual(blocks.map(rest));
    blocks.forEach(({ identity }, i) => {
      const { hash } = own[i] ?? { hash: NaN };
      if (!hashOfIdentity.has(identity)) hashOfIdentity.set(identity, hash);
      if (!identityOfHash.has(hash)) identityOfHash.set(hash, identity);
      expect([hashOfIdentity.get(identity), identityOfHash.get(hash)]).toEqual([hash, identity]);
    });
  });
}

describe('the prompts that the scanner notes', () => {
  it('are those of the oracle: equal hashes for equal prompts, others for others, sizes and markers alike', () => {
    fc.assert(
      fc.property(bodies, (body) => expectAgreement(body)),
      { numRuns: Math.ceil(RUNS / 2) },
    );
    expect(identityOfHash.size).toBe(hashOfIdentity.size);
  });

  it('are the same wherever a body is cut in two, and byte by byte', () => {
    const short = bodies.filter((body) => body.length < 600);
    fc.assert(
      fc.property(short, (body) => {
        const whole = spelledOut(noted(body));
        const offsets = Array.from({ length: Buffer.byteLength(body) }, (_, offset) => offset);
        expect(offsets.filter((cut) => spelledOut(noted(body, [cut])) !== whole)).toEqual([]);
        expect(spelledOut(noted(body, offsets))).toBe(whole);
        expectAgreement(body);
      }),
      { numRuns: Math.ceil(RUNS / 40) },
    );
  });

  it('are the same of long texts cut anyhow', () => {
    const long = fc.tuple(fc.nat(3_000), style, fc.array(fc.nat(), { maxLength: 40 }));
    fc.assert(
      fc.property(long, ([length, how, offsets]) => {
        const draft: Draft = {
          members: [['messages', { items: [{ members: [['content', `"${'é1'.repeat(length)}"`]] }] }]],
        };
        const body = `{"requests":[{"custom_id":"a","params":${write(draft, how)}}]}`;
        const bytes = Buffer.byteLength(body);
        expect(
          noted(
            body,
            offsets.map((offset) => offset % bytes).sort((a, b) => a - b),
          ),
        ).toEqual(noted(body));
        expectAgreement(body);
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
  });
});
