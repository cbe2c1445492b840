import { LIMITS, type Problem } from '@batchwright/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexedRequests, scanBody } from './body.fixture.ts';
import type { BodyVerdict } from './scanner.ts';

/**
 * The scanner against `JSON.parse`. The oracle below says in the plainest way what a create body must be; the scanner
 * must say the same of every document, however it is cut.
 */

const RUNS = Number(process.env['BATCHWRIGHT_FUZZ_RUNS'] ?? 2_000);

interface ReadRequest {
  readonly customId: string;
  readonly params: unknown;
}

type Reading =
  | { readonly type: 'not_json' }
  | { readonly type: 'refused'; readonly problems: readonly Problem[] }
  | { readonly type: 'accepted'; readonly requests: readonly ReadRequest[] };

/** Of several extra keys `JSON.parse` does not tell which came first, so any of `problems` may be answered. */
function refused(...problems: readonly Problem[]): Reading {
  return { type: 'refused', problems };
}

function read(bytes: Uint8Array): Reading {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { type: 'not_json' };
  }
  if (!isObject(body)) return refused({ type: 'field_wrong', path: '', reason: 'Input should be an object' });
  const { requests } = body;
  if (requests === undefined) return refused({ type: 'field_missing', path: 'requests' });
  if (!Array.isArray(requests)) {
    return refused({ type: 'field_wrong', path: 'requests', reason: 'Input should be a valid array' });
  }
  if (requests.length === 0) return refused({ type: 'requests_empty' });
  for (const [index, item] of requests.entries()) {
    const problems = itemProblems(item, index);
    if (problems.length > 0) return refused(...problems);
  }
  const items = requests as readonly { readonly custom_id: string; readonly params: unknown }[];
  const ids = items.map((item) => item.custom_id);
  const duplicate = ids.find((id, index) => ids.indexOf(id) < index);
  if (duplicate !== undefined) return refused({ type: 'custom_id_duplicate', customId: duplicate });
  const extra = Object.keys(body).filter((key) => key !== 'requests');
  if (extra.length > 0) return refused(...extra.map((path): Problem => ({ type: 'field_extra', path })));
  return { type: 'accepted', requests: items.map((item) => ({ customId: item.custom_id, params: item.params })) };
}

function itemProblems(item: unknown, index: number): readonly Problem[] {
  const path = `requests.${index}`;
  if (!isObject(item)) return [{ type: 'field_wrong', path, reason: 'Input should be an object' }];
  const { custom_id: id, params } = item;
  if (id === undefined) return [{ type: 'field_missing', path: `${path}.custom_id` }];
  if (typeof id !== 'string') {
    return [{ type: 'field_wrong', path: `${path}.custom_id`, reason: 'Input should be a valid string' }];
  }
  if (id === '') return [{ type: 'custom_id_empty', index }];
  if ([...id].length > LIMITS.customIdCharacters) return [{ type: 'custom_id_too_long', index }];
  if (!/^[a-zA-Z0-9_-]+$/.test(id)) return [{ type: 'custom_id_pattern', index }];
  if (params === undefined) return [{ type: 'field_missing', path: `${path}.params` }];
  if (!isObject(params)) return [{ type: 'field_wrong', path: `${path}.params`, reason: 'Input should be an object' }];
  const extra = Object.keys(item).filter((key) => key !== 'custom_id' && key !== 'params');
  return extra.map((key) => ({ type: 'field_extra', path: `${path}.${key}` }));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expectAgreement(body: Uint8Array, verdict: BodyVerdict): void {
  const reading = read(body);
  if (verdict.type === 'accepted') {
    const found = indexedRequests(body, verdict.count).map(({ customId, params }) => ({
      customId,
      params: JSON.parse(params) as unknown,
    }));
    expect({ type: 'accepted', requests: found }).toEqual(reading);
  } else if (reading.type === 'not_json') expect(verdict.problem.type).toBe('not_json');
  else if (reading.type === 'refused') expect(reading.problems).toContainEqual(verdict.problem);
  else expect(verdict).toEqual(reading);
}

// Documents. JSON is written out here and not with JSON.stringify, since what matters is how it may be spelled:
// whitespace, escapes, keys given twice.

const space = fc.constantFrom('', '', '', ' ', '\n', '\t \r\n', ' '.repeat(17));
const hexDigits = (unit: number): string => unit.toString(16).padStart(4, '0');

/** A character as one of the ways in which JSON can spell it. */
function spelling(character: string): fc.Arbitrary<string> {
  const escaped = Array.from({ length: character.length }, (_, i) => `\\u${hexDigits(character.charCodeAt(i))}`).join(
    '',
  );
  const plain = JSON.stringify(character).slice(1, -1);
  return fc.constantFrom(
    plain,
    plain,
    plain,
    plain,
    plain,
    plain,
    escaped,
    escaped.replace(/[a-f]/g, (c) => c.toUpperCase()),
  );
}

function spelled(text: string): fc.Arbitrary<string> {
  return fc.tuple(...[...text].map(spelling)).map((characters) => `"${characters.join('')}"`);
}

const character = fc.constantFrom(
  ...'aZ09_-',
  ...'aZ09_-',
  ' ',
  '.',
  '"',
  '\\',
  '/',
  '\n',
  '\0',
  'é',
  '漢',
  '😀',
  '\ud800',
);
const anyText = fc.array(character, { maxLength: 20 }).map((characters) => characters.join(''));
const idCharacter = fc.constantFrom(...'abZ09_-');
const goodId = fc
  .oneof(
    { weight: 5, arbitrary: fc.array(idCharacter, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(idCharacter, { minLength: 60, maxLength: 64 }) },
  )
  .map((characters) => characters.join(''));
const badId = fc.constantFrom('', 'a'.repeat(65), '😀'.repeat(64), '😀'.repeat(65), 'é'.repeat(600), 'a'.repeat(2_000));
const idText = fc.oneof(
  { weight: 20, arbitrary: goodId },
  { weight: 1, arbitrary: anyText },
  { weight: 1, arbitrary: badId },
);
const number = fc.constantFrom(
  '0',
  '-0',
  '12',
  '-3.25',
  '1e3',
  '2.5E-10',
  '0.0',
  '7e+2',
  '123456789012345678901234567890',
);

const value: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? fc.oneof(number, fc.constantFrom('true', 'false', 'null', '{}', '[]'), anyText.chain(spelled))
    : fc.oneof(value(1), array(value(depth - 1)), object(fc.tuple(anyText, value(depth - 1)))),
);

function between(open: string, parts: fc.Arbitrary<readonly string[]>, close: string): fc.Arbitrary<string> {
  return fc.tuple(parts, space, space).map(([items, before, after]) => {
    return `${open}${before}${items.join(`${after},${before}`)}${after}${close}`;
  });
}

function array(item: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return between('[', fc.array(item, { maxLength: 4 }), ']');
}

function pair(name: fc.Arbitrary<string>, content: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(name.chain(spelled), space, space, content).map(([key, a, b, v]) => `${key}${a}:${b}${v}`);
}

function object(entry: fc.Arbitrary<readonly [string, string]>): fc.Arbitrary<string> {
  const written = entry.chain(([name, content]) => pair(fc.constant(name), fc.constant(content)));
  return between('{', fc.array(written, { maxLength: 4 }), '}');
}

const params = fc.oneof(
  { weight: 29, arbitrary: object(fc.tuple(anyText, value(2))) },
  { weight: 1, arbitrary: value(2) },
);
const idValue = fc.oneof({ weight: 29, arbitrary: idText.chain(spelled) }, { weight: 1, arbitrary: value(2) });
const idPair = pair(fc.constant('custom_id'), idValue);
const paramsPair = pair(fc.constant('params'), params);
const otherPair = pair(fc.oneof(anyText, fc.constantFrom('customid', 'param', 'params2', 'requests')), value(2));

const item = fc.oneof(
  { weight: 24, arbitrary: between('{', fc.tuple(idPair, paramsPair), '}') },
  { weight: 12, arbitrary: between('{', fc.tuple(paramsPair, idPair), '}') },
  { weight: 2, arbitrary: between('{', fc.array(fc.oneof(idPair, paramsPair, otherPair), { maxLength: 5 }), '}') },
  { weight: 1, arbitrary: value(3) },
);
const goodItem = between('{', fc.tuple(pair(fc.constant('custom_id'), goodId.chain(spelled)), paramsPair), '}');
const requestsPair = pair(
  fc.constant('requests'),
  fc.oneof({ weight: 19, arbitrary: array(item) }, { weight: 1, arbitrary: value(2) }),
);
const bodyText = fc.tuple(
  space,
  fc.oneof(
    { weight: 16, arbitrary: between('{', fc.tuple(requestsPair), '}') },
    { weight: 4, arbitrary: between('{', fc.array(fc.oneof(requestsPair, otherPair), { maxLength: 4 }), '}') },
    { weight: 1, arbitrary: value(3) },
  ),
  space,
);
const documents = bodyText.map((parts) => new TextEncoder().encode(parts.join('')));

interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly inserted: readonly number[];
}

const meaningful = [...'{}[]",:\\ntrueflsu0123456789.eE+-abd \t\x01/'].map((c) => c.charCodeAt(0));
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(),
  removed: fc.constantFrom(0, 0, 1, 2, 8),
  inserted: fc.array(fc.oneof(fc.constantFrom(...meaningful), fc.nat(255)), { maxLength: 2 }),
});

function edited(document: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce((bytes, { at, removed, inserted }) => {
    const from = at % (bytes.length + 1);
    return Uint8Array.from([...bytes.subarray(0, from), ...inserted, ...bytes.subarray(from + removed)]);
  }, document);
}

const damaged = fc
  .tuple(documents, fc.array(edit, { minLength: 1, maxLength: 3 }))
  .map(([d, edits]) => edited(d, edits));
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.array(fc.constantFrom(...meaningful), { maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
);
const anything = fc.oneof(
  { weight: 5, arbitrary: documents },
  { weight: 6, arbitrary: damaged },
  { weight: 1, arbitrary: garbage },
);

function everyOffset(bytes: Uint8Array): readonly number[] {
  return Array.from({ length: bytes.length }, (_, offset) => offset);
}

describe('the scanner', () => {
  it('reads of every well-formed document what JSON.parse reads', () => {
    fc.assert(
      fc.property(documents, (document) => expectAgreement(document, scanBody(document))),
      { numRuns: RUNS },
    );
  });

  it('accepts and refuses as JSON.parse does, whatever the bytes', () => {
    fc.assert(
      fc.property(anything, (document) => expectAgreement(document, scanBody(document))),
      { numRuns: RUNS },
    );
  });

  it('answers the same to the last word wherever a document is cut in two, and byte by byte', () => {
    const short = anything.map((document) => document.subarray(0, 300));
    fc.assert(
      fc.property(short, (document) => {
        const whole = scanBody(document);
        for (const cut of everyOffset(document)) expect(scanBody(document, [cut])).toEqual(whole);
        expect(scanBody(document, everyOffset(document))).toEqual(whole);
        expectAgreement(document, whole);
      }),
      { numRuns: Math.ceil(RUNS / 8) },
    );
  });

  it('answers the same, and indexes the same, of a longer document cut anyhow', () => {
    const long = fc
      .array(goodItem, { minLength: 1, maxLength: 40 })
      .map((items) => new TextEncoder().encode(`{"requests":[${items.join(',')}]}`));
    fc.assert(
      fc.property(long, fc.array(fc.nat(), { maxLength: 60 }), (document, offsets) => {
        const cuts = offsets.map((offset) => offset % document.length).sort((a, b) => a - b);
        const verdict = scanBody(document, cuts);
        expectAgreement(document, verdict);
      }),
      { numRuns: Math.ceil(RUNS / 8) },
    );
  });
});
