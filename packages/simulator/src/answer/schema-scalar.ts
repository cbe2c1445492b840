import type { JsonObject } from '@batchwright/core';

/** The simple ends of an instance: numbers within bounds, strings of a form. */

/** No value satisfies the schema; distinct from every JSON value. */
export const NONE = Symbol('none');

const LONGEST_STRING = 10_000;

/** The number nearest to one that its bounds and step allow. */
export function numberIn(schema: JsonObject, defaultStep: number): number | typeof NONE {
  const given = schema['multipleOf'];
  const step = typeof given === 'number' && given > 0 ? given : defaultStep;
  const low = lowest(schema, step);
  const high = highest(schema, step);
  if (low !== null && high !== null && low > high) return midway(schema);
  if (low !== null && low > 1) return low;
  if (high !== null && high < 1) return high;
  const one = Math.ceil(1 / step) * step;
  return high !== null && one > high ? high : one;
}

/** Between bounds closer than a step: any number in between will do, unless a multiple or an integer is asked for. */
function midway(schema: JsonObject): number | typeof NONE {
  if (schema['type'] === 'integer' || schema['multipleOf'] !== undefined) return NONE;
  const low = bound(schema, 'minimum', 'exclusiveMinimum', Math.max);
  const high = bound(schema, 'maximum', 'exclusiveMaximum', Math.min);
  if (low === null || high === null || low > high) return NONE;
  return low + (high - low) / 2;
}

function lowest(schema: JsonObject, step: number): number | null {
  const low = bound(schema, 'minimum', 'exclusiveMinimum', Math.max);
  if (low === null) return null;
  const rounded = Math.ceil(low / step) * step;
  return rounded === schema['exclusiveMinimum'] ? rounded + step : rounded;
}

function highest(schema: JsonObject, step: number): number | null {
  const high = bound(schema, 'maximum', 'exclusiveMaximum', Math.min);
  if (high === null) return null;
  const rounded = Math.floor(high / step) * step;
  return rounded === schema['exclusiveMaximum'] ? rounded - step : rounded;
}

function bound(
  schema: JsonObject,
  inclusive: string,
  exclusive: string,
  pick: (...values: number[]) => number,
): number | null {
  const values = [schema[inclusive], schema[exclusive]].filter((value) => typeof value === 'number');
  return values.length === 0 ? null : pick(...values);
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-15T12:00:00Z',
  date: '2026-01-15',
  time: '12:00:00Z',
  duration: 'PT1H',
  email: 'person@example.com',
  'idn-email': 'person@example.com',
  hostname: 'example.com',
  'idn-hostname': 'example.com',
  uri: 'https://example.com/',
  'uri-reference': '/',
  iri: 'https://example.com/',
  url: 'https://example.com/',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
  'json-pointer': '/a',
  regex: '.*',
};

/** A string of the schema's format, pattern or length, else one that names what it stands for. */
export function stringIn(schema: JsonObject, name: string): string {
  const format = schema['format'];
  if (typeof format === 'string' && Object.hasOwn(FORMATS, format)) return FORMATS[format] ?? '';
  const pattern = schema['pattern'];
  const fitting = typeof pattern === 'string' ? patterned(pattern) : undefined;
  if (fitting !== undefined) return fitting;
  const shortest = typeof schema['minLength'] === 'number' ? Math.min(schema['minLength'], LONGEST_STRING) : 0;
  const longest = typeof schema['maxLength'] === 'number' ? Math.max(0, schema['maxLength']) : LONGEST_STRING;
  const text = [...`simulated ${name}`].slice(0, longest).join('');
  return text.length >= shortest ? text : text.padEnd(shortest, ' simulated');
}

/** Words that common patterns take; a pattern that none of them fits is not met. */
const CANDIDATES = [
  'simulated',
  'Simulated',
  'SIMULATED',
  'sim',
  'S',
  's',
  'SIM',
  'SI',
  'ab',
  '1',
  '12',
  '123',
  '1234',
  '12345',
  '123456',
  '1.0',
  '1.0.0',
  'A1',
  'ABC-123',
  'ABC123',
  '2026-01-15',
  '12:00',
  '+14155550100',
  '555-0100',
  '#aabbcc',
  'person@example.com',
  'https://example.com/',
  'en-US',
  'en',
  'US',
  'USD',
];

function patterned(pattern: string): string | undefined {
  // Short candidates against a client's pattern: long enough to be useful, too short for backtracking to explode.
  try {
    const compiled = new RegExp(pattern, 'u');
    return CANDIDATES.find((candidate) => compiled.test(candidate));
  } catch {
    return undefined;
  }
}
