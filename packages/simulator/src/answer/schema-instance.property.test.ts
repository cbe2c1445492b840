import { isJsonObject, type JsonObject } from '@batchwright/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instanceOf } from './schema-instance.ts';

/** A validator written from the JSON Schema specification alone, for the keywords generated here. */
function satisfies(value: unknown, schema: unknown, root: unknown): boolean {
  if (typeof schema === 'boolean') return schema;
  if (!isJsonObject(schema)) return false;
  const holds = (inner: unknown): boolean => satisfies(value, inner, root);
  const list = (key: string): readonly unknown[] | null =>
    Array.isArray(schema[key]) ? (schema[key] as unknown[]) : null;
  if (typeof schema['$ref'] === 'string') {
    const name = schema['$ref'].replace('#/$defs/', '');
    if (!holds(((root as JsonObject)['$defs'] as JsonObject)[name])) return false;
  }
  if ('const' in schema && JSON.stringify(schema['const']) !== JSON.stringify(value)) return false;
  if (list('enum')?.every((item) => JSON.stringify(item) !== JSON.stringify(value)) === true) return false;
  if (list('anyOf')?.some(holds) === false || list('allOf')?.every(holds) === false) return false;
  const types = typeof schema['type'] === 'string' ? [schema['type']] : list('type');
  if (types !== null && !types.some((type) => isOfType(value, String(type)))) return false;
  if (typeof value === 'number') return numberSatisfies(value, schema);
  if (typeof value === 'string') {
    const length = [...value].length;
    return length >= Number(schema['minLength'] ?? 0) && length <= Number(schema['maxLength'] ?? Infinity);
  }
  if (Array.isArray(value)) return arraySatisfies(value, schema, root);
  return !isJsonObject(value) || objectSatisfies(value, schema, root);
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isJsonObject(value);
  if (type === 'null') return value === null;
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

function numberSatisfies(value: number, schema: JsonObject): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  const step = schema['multipleOf'];
  return (
    value >= Number(minimum) &&
    value <= Number(maximum) &&
    value > Number(exclusiveMinimum) &&
    value < Number(exclusiveMaximum) &&
    (typeof step !== 'number' || Number.isInteger(value / step))
  );
}

function arraySatisfies(value: readonly unknown[], schema: JsonObject, root: unknown): boolean {
  const isUnique = new Set(value.map((item) => JSON.stringify(item))).size === value.length;
  return (
    value.length >= Number(schema['minItems'] ?? 0) &&
    value.length <= Number(schema['maxItems'] ?? Infinity) &&
    (schema['uniqueItems'] !== true || isUnique) &&
    (schema['items'] === undefined || value.every((item) => satisfies(item, schema['items'], root)))
  );
}

function objectSatisfies(value: JsonObject, schema: JsonObject, root: unknown): boolean {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : [];
  return (
    required.every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, inner]) =>
      Object.hasOwn(properties, name)
        ? satisfies(inner, properties[name], root)
        : schema['additionalProperties'] !== false,
    )
  );
}

const names = fc.constantFrom('city', 'count', 'a', 'b', '__proto__', 'constructor', 'ünï');
const numeric = fc.record(
  {
    type: fc.constantFrom('integer', 'number'),
    minimum: fc.integer({ min: -50, max: 10 }),
    maximum: fc.integer({ min: 11, max: 50 }),
    multipleOf: fc.constantFrom(1, 2, 5),
  },
  { requiredKeys: ['type'] },
);
const stringy = fc.tuple(fc.nat(40), fc.nat(40), fc.boolean()).map(([minLength, more, bounded]) => ({
  type: 'string',
  minLength,
  ...(bounded && { maxLength: minLength + more }),
}));
const leafSchema = fc.oneof(
  numeric,
  stringy,
  fc.constantFrom(
    { type: 'boolean' },
    { type: 'null' },
    { type: ['null', 'string'] },
    { const: { a: [1] } },
    { $ref: '#/$defs/leaf' },
    { $ref: '#/$defs/tree' },
  ),
  fc
    .array(fc.oneof(fc.string(), fc.integer(), fc.constant(null)), { minLength: 1, maxLength: 4 })
    .map((values) => ({ enum: values })),
);

/** Schemas one level above the given ones: built in layers, so that the depth and the work are bounded. */
function layered(inner: fc.Arbitrary<object>): fc.Arbitrary<object> {
  const object = fc
    .tuple(
      fc.dictionary(names, inner, { maxKeys: 3 }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      fc.boolean(),
    )
    .map(([properties, chosen, closed]) => ({
      type: 'object',
      properties,
      required: Object.keys(properties).filter((_, i) => chosen[i]),
      ...(closed && { additionalProperties: false }),
    }));
  return fc.oneof(
    inner,
    object,
    fc.tuple(object, fc.constant(1)).map(([{ required: _, ...rest }]) => rest),
    fc.record({ type: fc.constant('array'), items: inner, minItems: fc.nat(2) }),
    fc.array(inner, { minLength: 1, maxLength: 3 }).map((branches) => ({ anyOf: branches })),
    fc
      .tuple(object, object)
      .filter(([x, y]) => disjoint(x, y))
      .map((parts) => ({ allOf: parts })),
  );
}
const schemas = layered(layered(layered(leafSchema)));

/** Two objects that one value can satisfy: open, and without a property in common. */
function disjoint(a: JsonObject, b: JsonObject): boolean {
  if ('additionalProperties' in a || 'additionalProperties' in b) return false;
  const others = Object.keys(b['properties'] as object);
  return Object.keys(a['properties'] as object).every((name) => !others.includes(name));
}

const TREE = {
  type: 'object',
  properties: { value: { type: 'integer' }, left: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] } },
  required: ['value', 'left'],
};

test('an instance satisfies its schema, and is the same for the same seed', () => {
  fc.assert(
    fc.property(schemas, fc.integer(), (inner, seed) => {
      const schema = {
        type: 'object',
        properties: { it: inner },
        required: ['it'],
        $defs: { leaf: { type: 'string', maxLength: 5 }, tree: TREE },
      };
      const made = JSON.parse(JSON.stringify(instanceOf(schema, seed))) as unknown;
      expect(satisfies(made, schema, schema), JSON.stringify({ schema, made })).toBe(true);
      expect(instanceOf(schema, seed)).toEqual(instanceOf(schema, seed));
    }),
    { numRuns: 1000 },
  );
});

test('formats, patterns and distinct items are met where they can be', () => {
  expect(instanceOf({ type: 'string', format: 'date' }, 1)).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(instanceOf({ type: 'string', pattern: '^[A-Z]{3}$' }, 1)).toMatch(/^[A-Z]{3}$/);
  const choices = instanceOf(
    { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 3, uniqueItems: true },
    1,
  ) as string[];
  expect([...choices].sort()).toEqual(['a', 'b', 'c']);
  expect(
    new Set(instanceOf({ type: 'array', items: { type: 'integer' }, minItems: 4, uniqueItems: true }, 1) as number[])
      .size,
  ).toBe(4);
  expect(instanceOf({ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 0.1 }, 1)).toBeCloseTo(0.05);
});

test('a schema that nothing satisfies, or that never ends, gives null in bounded time', () => {
  expect(instanceOf(false, 1)).toBeNull();
  expect(instanceOf({ $ref: '#/$defs/missing' }, 1)).toBeNull();
  const endless = { type: 'object', properties: { again: { $ref: '#' } }, required: ['again'] };
  expect(instanceOf(endless, 1)).toBeNull();
  const doubling = { type: 'object', properties: { a: { $ref: '#' }, b: { $ref: '#' } }, required: ['a', 'b'] };
  expect(instanceOf({ anyOf: [doubling, { $ref: '#' }] }, 1)).toBeNull();
});

test('choices vary with the seed', () => {
  const labels = new Set(
    Array.from({ length: 50 }, (_, seed) => instanceOf({ enum: ['positive', 'neutral', 'negative'] }, seed)),
  );
  expect(labels.size).toBe(3);
});
