import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPath } from './outline.fixture.ts';
import { outline, parseSpan, type ValueKind } from './outline.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function kindOf(value: unknown): ValueKind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as ValueKind;
}

const keys = fc.oneof(fc.constantFrom('usage', 'a', '', '__proto__', '\\n', 'é', 'x"y'), fc.string({ maxLength: 6 }));
const values = fc.jsonValue({ maxDepth: 3 });
const entries = fc.array(fc.tuple(keys, values), { maxLength: 8 });

/** Written by hand, so that keys may come twice. */
function write(list: readonly (readonly [string, unknown])[], indent: number): string {
  return `{${list.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value, null, indent)}`).join(',')}}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('an outline', () => {
  it('finds under every key the value that JSON.parse finds', () => {
    fc.assert(
      fc.property(entries, fc.nat(2), (list, indent) => {
        const text = write(list, indent);
        const document = encode(` ${text}\n`);
        const found = outline(document);
        expect(found?.keys()).toEqual(list.map(([key]) => key));
        expect(found && parseSpan(document, found)).toEqual(JSON.parse(text));
        expect(found?.hasNewlines).toBe(text.includes('\n'));
        for (const [key, value] of Object.entries(JSON.parse(text) as object)) {
          const span = found?.find(key);
          expect(span?.kind).toBe(kindOf(value));
          expect(span && parseSpan(document, span)).toEqual(value);
        }
        expect(found?.find('no such key')).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it('is made of exactly one object and of nothing else', () => {
    const damage = fc.record({
      at: fc.nat(),
      removed: fc.nat(2),
      inserted: fc.constantFrom('', '{', '}', '"', ',', 'x', '1', '\\', '\n'),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          entries.map((list) => write(list, 0)),
          values.map((v) => JSON.stringify(v)),
        ),
        damage,
        (text, edit) => {
          const at = edit.at % (text.length + 1);
          const document = text.slice(0, at) + edit.inserted + text.slice(at + edit.removed);
          const value = parse(document);
          // Cutting a pair of surrogates apart changes what the encoder writes, not whether it is JSON.
          expect(outline(encode(document)) !== null).toBe(value !== undefined && kindOf(value) === 'object');
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('leads down a path of keys to what JSON.parse leads to', () => {
    fc.assert(
      fc.property(entries, entries, keys, keys, (outer, inner, first, second) => {
        const text =
          `{${JSON.stringify('before')}:1,${JSON.stringify(first)}:${write(inner, 1)},${write(outer, 0).slice(1)}`.replace(
            /,}$/,
            '}',
          );
        const document = encode(text);
        const owns = (value: unknown, key: string): unknown =>
          kindOf(value) === 'object' && Object.hasOwn(value as object, key)
            ? (value as Record<string, unknown>)[key]
            : undefined;
        const expected = owns(owns(JSON.parse(text), first), second);
        const span = findPath(document, [first, second]);
        expect(span === null ? undefined : parseSpan(document, span)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
