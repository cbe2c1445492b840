import type { PlacedMarker } from '@batchwright/core';
import fc from 'fast-check';
import { editParams } from './params-edit.ts';

/**
 * For tests: params as text in every spelling that JSON allows, and a reading of such text that keeps each leaf and key
 * as it is spelled.
 */

/** JSON with raw leaves: an object is its members in order, doubles included. */
export type RawTree = string | readonly RawTree[] | { readonly members: readonly (readonly [string, RawTree])[] };

const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n');
const number = fc.constantFrom('0', '1.0', '1e2', '-0', '1E-7', '12345678901234567890', '0.10');
const leaf = fc.oneof(
  number,
  fc.constantFrom(
    'true',
    'false',
    'null',
    '"]"',
    '"}{"',
    '"\\\\"',
    '"\\""',
    '","',
    '"\\u0041\\/é😀"',
    '"  \\n "',
    '""',
  ),
  fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
);

function key(name: string): fc.Arbitrary<string> {
  const escaped = fc.nat(name.length - 1).map((at) => {
    const unit = name.charCodeAt(at).toString(16).padStart(4, '0');
    return `"${name.slice(0, at)}\\u${unit}${name.slice(at + 1)}"`;
  });
  return fc.oneof({ weight: 4, arbitrary: fc.constant(`"${name}"`) }, { weight: 1, arbitrary: escaped });
}

function member(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(space, key(name), space, space, value, space)
    .map(([a, k, b, c, v, d]) => `${a}${k}${b}:${c}${v}${d}`);
}

function object(members: readonly fc.Arbitrary<string>[], maxLength = 5): fc.Arbitrary<string> {
  const some = fc.array(fc.oneof(...members), { maxLength });
  return fc.tuple(some, space).map(([list, blank]) => (list.length === 0 ? `{${blank}}` : `{${list.join(',')}}`));
}

function array(item: fc.Arbitrary<string>, maxLength = 4): fc.Arbitrary<string> {
  const some = fc.array(
    fc.tuple(space, item, space).map((parts) => parts.join('')),
    { maxLength },
  );
  return fc.tuple(some, space).map(([list, blank]) => (list.length === 0 ? `[${blank}]` : `[${list.join(',')}]`));
}

const marker = fc.oneof(
  fc.constantFrom('{"type":"ephemeral"}', '{ "ttl" : "1h", "type":"ephemeral" }', 'null', '{}', '"odd"'),
);
/** Named like markers, where a name means nothing: inside what a tool takes, and in texts. */
const innocent = fc.constantFrom(
  '{"cache_control":{"type":"object"}}',
  '{"properties":{"cache_control":1},"content":[{"cache_control":2}]}',
  '"\\"cache_control\\":{}"',
);

function block(depth: number): fc.Arbitrary<string> {
  const nested = depth === 0 ? leaf : fc.oneof(leaf, array(fc.oneof(leaf, block(depth - 1)), 3));
  const members = [
    member('type', fc.constantFrom('"text"', '"tool_result"', '"document"')),
    member('text', leaf),
    member('cache_control', marker),
    member('input', fc.oneof(leaf, innocent)),
    member('content', nested),
    member('source', fc.oneof(leaf, object([member('content', nested), member('data', leaf)]))),
  ];
  return object(members);
}

const item = fc.oneof({ weight: 6, arbitrary: block(2) }, { weight: 1, arbitrary: leaf });
const content = fc.oneof(leaf, array(item), array(block(1)));
const message = object(
  [member('role', fc.constant('"user"')), member('content', content), member('cache_control', innocent)],
  3,
);
const tool = object([
  member('name', leaf),
  member('input_schema', fc.oneof(leaf, innocent)),
  member('cache_control', marker),
]);

/** Params as text: keys in every order and any number, and values of the wrong kind too. */
export const rawParams: fc.Arbitrary<string> = fc
  .tuple(
    space,
    object(
      [
        member('model', leaf),
        member('max_tokens', number),
        member('stream', fc.oneof(leaf, innocent)),
        member('cache_control', marker),
        member('tools', fc.oneof(leaf, array(fc.oneof(tool, leaf)), array(tool))),
        member('system', content),
        member('messages', fc.oneof(leaf, array(fc.oneof(message, leaf)), array(message))),
        member('metadata', fc.oneof(leaf, innocent)),
      ],
      8,
    ),
    space,
  )
  .map((parts) => parts.join(''));

/** Reads sound JSON; not made for speed. */
export function rawTree(text: string): RawTree {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gs) ?? [];
  let at = 0;
  const take = (): string => tokens[at++] ?? '';
  const list = <T>(close: string, one: (first: string) => T): T[] => {
    const found: T[] = [];
    for (let token = take(); token !== close; token = take()) if (token !== ',') found.push(one(token));
    return found;
  };
  const value = (token: string): RawTree => {
    if (token === '[') return list(']', value);
    if (token !== '{') return token;
    return {
      members: list('}', (name): readonly [string, RawTree] => {
        take();
        return [name, value(take())];
      }),
    };
  };
  return value(take());
}

/**
 * What a client and an upstream must agree on: params without `stream` and markers, and with every text content as the
 * one block it stands for.
 */
export function prompt(tree: RawTree): RawTree {
  return mapMembers(tree, (name, value) => {
    switch (name) {
      case 'stream':
      case 'cache_control':
        return null;
      case 'tools':
        return mapItems(value, (one) => mapMembers(one, (inner, it) => (inner === 'cache_control' ? null : it)));
      case 'system':
        return blocks(value);
      case 'messages':
        return mapItems(value, (one) => mapMembers(one, (inner, it) => (inner === 'content' ? blocks(it) : it)));
      default:
        return value;
    }
  });
}

function blocks(value: RawTree): RawTree {
  if (typeof value === 'string' && value.startsWith('"')) {
    return [
      {
        members: [
          ['"type"', '"text"'],
          ['"text"', value],
        ],
      },
    ];
  }
  return mapItems(value, withoutMarker);
}

function withoutMarker(value: RawTree): RawTree {
  return mapMembers(value, (name, inner) => {
    if (name === 'cache_control') return null;
    if (name === 'content') return mapItems(inner, withoutMarker);
    if (name !== 'source') return inner;
    return mapMembers(inner, (key, it) => (key === 'content' ? mapItems(it, withoutMarker) : it));
  });
}

function mapItems(value: RawTree, change: (item: RawTree) => RawTree): RawTree {
  return isList(value) ? value.map(change) : value;
}

function mapMembers(value: RawTree, change: (name: string, value: RawTree) => RawTree | null): RawTree {
  if (typeof value === 'string' || isList(value)) return value;
  return {
    members: value.members.flatMap(([name, inner]) => {
      const changed = change(JSON.parse(name) as string, inner);
      return changed === null ? [] : [[name, changed] as const];
    }),
  };
}

function isList(value: RawTree): value is readonly RawTree[] {
  return Array.isArray(value);
}

/** The params with `"stream":true`. */
export function withStream(params: Uint8Array): Uint8Array {
  return editParams(params, { stream: true });
}

/** The params with markers beside those they have; a block's own marker is written over. */
export function withMarkers(params: Uint8Array, markers: readonly PlacedMarker[]): Uint8Array {
  return editParams(params, { markers });
}

/** The params without any `cache_control`: at the top level, on tools and blocks, and on blocks nested in blocks. */
export function withoutMarkers(params: Uint8Array): Uint8Array {
  return editParams(params, { dropMarkers: true });
}
