import { isJsonObject, type JsonObject } from '@batchwright/core';
import { Hasher } from '../hash.ts';
import { NONE, numberIn, stringIn } from './schema-scalar.ts';

/**
 * A small value that satisfies a JSON schema: for tool inputs and structured outputs. Values are chosen by a seed where
 * there is a choice, so that a thousand answers to a classification do not all say the same. Unsatisfiable or hopelessly
 * recursive schemas get null: the caller's schema is at fault and there is nothing better to say.
 */
export function instanceOf(schema: unknown, seed: number): unknown {
  const made = new Generator(schema, seed).make(schema, 'value', 0);
  return made === NONE ? null : made;
}

type Made = unknown;

const DEEPEST = 24;
/** Schemas are a client's: this bounds the work on one that doubles at every level. */
const NODE_BUDGET = 20_000;
const LONGEST_ARRAY = 1000;

class Generator {
  readonly #root: unknown;
  readonly #seed: number;
  #budget = NODE_BUDGET;

  constructor(root: unknown, seed: number) {
    this.#root = root;
    this.#seed = seed;
  }

  make(schema: unknown, name: string, depth: number): Made {
    this.#budget -= 1;
    if (depth > DEEPEST || this.#budget < 0 || schema === false) return NONE;
    if (!isJsonObject(schema)) return `simulated ${name}`;
    if (schema['const'] !== undefined) return schema['const'];
    const values = schema['enum'];
    if (Array.isArray(values)) return values.length === 0 ? NONE : this.#pick(values, name);
    if (typeof schema['$ref'] === 'string') return this.#makeReferred(schema, schema['$ref'], name, depth);
    const branches = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(branches)) return this.#makeBranch(schema, branches, name, depth);
    if (Array.isArray(schema['allOf']))
      return this.make(merged(without(schema, 'allOf'), schema['allOf'], this.#resolve), name, depth + 1);
    return this.#makeTyped(schema, name, depth);
  }

  readonly #resolve = (reference: string): unknown => {
    if (!reference.startsWith('#')) return undefined;
    let at: unknown = this.#root;
    for (const part of decodeURIComponent(reference.slice(1)).split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      at = isJsonObject(at) || Array.isArray(at) ? (at as JsonObject)[key] : undefined;
    }
    return at;
  };

  #makeReferred(schema: JsonObject, reference: string, name: string, depth: number): Made {
    const target = this.#resolve(reference);
    if (target === undefined) return NONE;
    const rest = without(schema, '$ref');
    return this.make(isJsonObject(target) ? merged(rest, [target], this.#resolve) : target, name, depth + 1);
  }

  /** The first branch that has a value; a recursive one is left once it gets too deep. */
  #makeBranch(schema: JsonObject, branches: readonly unknown[], name: string, depth: number): Made {
    const rest = without(without(schema, 'anyOf'), 'oneOf');
    for (const branch of branches) {
      const made = this.make(isJsonObject(branch) ? merged(rest, [branch], this.#resolve) : branch, name, depth + 1);
      if (made !== NONE) return made;
    }
    return NONE;
  }

  #makeTyped(schema: JsonObject, name: string, depth: number): Made {
    switch (typeOf(schema)) {
      case 'object':
        return this.#makeObject(schema, depth);
      case 'array':
        return this.#makeArray(schema, name, depth);
      case 'integer':
        return numberIn(schema, 1);
      case 'number':
        return numberIn(schema, typeof schema['multipleOf'] === 'number' ? schema['multipleOf'] : 0.5);
      case 'boolean':
        return this.#chance(name) < 0.5;
      case 'null':
        return null;
      default:
        return stringIn(schema, name);
    }
  }

  /** What is required; all properties where the schema does not say what is. */
  #makeObject(schema: JsonObject, depth: number): Made {
    const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
    const names = Array.isArray(schema['required']) ? schema['required'].map(String) : Object.keys(properties);
    const required = Array.isArray(schema['required']);
    const entries: [string, unknown][] = [];
    for (const name of new Set(names)) {
      const made = this.make(Object.hasOwn(properties, name) ? properties[name] : additional(schema), name, depth + 1);
      if (made !== NONE) entries.push([name, made]);
      else if (required) return NONE;
    }
    const fewest = typeof schema['minProperties'] === 'number' ? Math.min(schema['minProperties'], LONGEST_ARRAY) : 0;
    for (let i = 1; entries.length < fewest; i++) {
      const made = this.make(additional(schema), `property${i}`, depth + 1);
      if (made === NONE) return NONE;
      entries.push([`property${i}`, made]);
    }
    // Not assignment: a property called __proto__ must be a property.
    return Object.fromEntries(entries);
  }

  #makeArray(schema: JsonObject, name: string, depth: number): Made {
    const first = Array.isArray(schema['prefixItems']) ? (schema['prefixItems'] as readonly unknown[]) : [];
    const fewest = typeof schema['minItems'] === 'number' ? Math.min(schema['minItems'], LONGEST_ARRAY) : 0;
    const most = typeof schema['maxItems'] === 'number' ? schema['maxItems'] : LONGEST_ARRAY;
    const wanted = Math.min(most, Math.max(fewest, first.length, schema['items'] === undefined ? 0 : 1));
    const items: unknown[] = [];
    const seen = new Set<string>();
    for (let i = 0; items.length < wanted && i < wanted * 4 + 16; i++) {
      const made = this.make(
        first[items.length] ?? schema['items'] ?? true,
        i === 0 ? name : `${name} ${i + 1}`,
        depth + 1,
      );
      if (made === NONE) break;
      const distinct = schema['uniqueItems'] === true ? this.#distinct(made, i, schema['items']) : made;
      if (schema['uniqueItems'] === true && seen.has(JSON.stringify(distinct))) continue;
      seen.add(JSON.stringify(distinct));
      items.push(distinct);
    }
    return items.length >= fewest ? items : NONE;
  }

  /** Numbers and choices do not vary by name alone as strings do. */
  #distinct(made: unknown, index: number, items: unknown): unknown {
    const values = isJsonObject(items) ? items['enum'] : undefined;
    if (Array.isArray(values)) return values[index % values.length];
    if (typeof made === 'boolean') return index % 2 === 0;
    const step = isJsonObject(items) && typeof items['multipleOf'] === 'number' ? items['multipleOf'] : 1;
    return typeof made === 'number' ? made + index * step : made;
  }

  #pick(values: readonly unknown[], name: string): unknown {
    return values[Math.floor(this.#chance(name) * values.length)];
  }

  #chance(name: string): number {
    return new Hasher(this.#seed).text(name).unit();
  }
}

function additional(schema: JsonObject): unknown {
  return schema['additionalProperties'] ?? true;
}

function without(schema: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = schema;
  return rest;
}

/** The parts of an `allOf` (or what a `$ref` stands beside) as one schema: bounds and requirements add up. */
function merged(base: JsonObject, parts: readonly unknown[], resolve: (reference: string) => unknown): JsonObject {
  let all: Record<string, unknown> = { ...base };
  for (const part of parts) {
    const target =
      isJsonObject(part) && typeof part['$ref'] === 'string' && Object.keys(base).length > 0
        ? resolve(part['$ref'])
        : part;
    if (!isJsonObject(target)) continue;
    const properties = isJsonObject(all['properties']) ? all['properties'] : {};
    const more = isJsonObject(target['properties']) ? target['properties'] : {};
    const required = [...listed(all['required']), ...listed(target['required'])];
    all = { ...all, ...target, properties: { ...properties, ...more }, ...(required.length > 0 && { required }) };
    if (Object.keys(all['properties'] as JsonObject).length === 0) delete all['properties'];
  }
  return all;
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The declared type, or the one its keywords speak of. */
function typeOf(schema: JsonObject): string {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return String(type.find((name) => name !== 'null') ?? 'null');
  if (schema['properties'] !== undefined || schema['required'] !== undefined) return 'object';
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array';
  if (['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].some((key) => key in schema))
    return 'number';
  return 'string';
}
