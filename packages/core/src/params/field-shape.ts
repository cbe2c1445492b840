import { isJsonObject } from './json-value.ts';
import { choices, fieldRequired, invalid, type ParamsError } from './params-error.ts';

/**
 * The shapes a field may have, each a function from path and value to a complaint or null. `optional` and `nullable`
 * wrap them, so that a table of fields reads as the API's reference does.
 */
export type Shape = (path: string, value: unknown) => ParamsError | null;

export const aString: Shape = (path, value) => expect(typeof value === 'string', path, 'a valid string');
export const aBoolean: Shape = (path, value) => expect(typeof value === 'boolean', path, 'a valid boolean');
export const aNumber: Shape = (path, value) => expect(typeof value === 'number', path, 'a valid number');
export const aList: Shape = (path, value) => expect(Array.isArray(value), path, 'a valid list');
export const anObject: Shape = (path, value) => expect(isJsonObject(value), path, 'an object');
export const anything: Shape = () => null;

export const anInteger: Shape = (path, value) => {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return invalid(`${path}: Input should be a valid integer, got a number with a fractional part`);
  }
  return expect(typeof value === 'number', path, 'a valid integer');
};

/** Absent or null is fine. */
export function nullable(shape: Shape): Shape {
  return (path, value) => (value === undefined || value === null ? null : shape(path, value));
}

/** Absent is fine; null is not. */
export function optional(shape: Shape): Shape {
  return (path, value) => (value === undefined ? null : shape(path, value));
}

export function required(shape: Shape): Shape {
  return (path, value) => (value === undefined ? fieldRequired(path) : shape(path, value));
}

export function oneOf(names: readonly string[]): Shape {
  return (path, value) => expect(typeof value === 'string' && names.includes(value), path, choices(names));
}

export function integerAtLeast(minimum: number): Shape {
  return (path, value) =>
    anInteger(path, value) ?? expect((value as number) >= minimum, path, `greater than or equal to ${minimum}`);
}

/** A number from 0 to 1, in the words the API keeps for sampling parameters. */
export const aShare: Shape = (path, value) =>
  aNumber(path, value) ?? ((value as number) >= 0 && (value as number) <= 1 ? null : invalid(`${path}: range: 0..1`));

/** A string of at least one and at most `maximum` characters that matches `pattern` (its source is shown to the caller). */
export function aName(pattern: RegExp): Shape {
  return (path, value) =>
    aString(path, value) ??
    (pattern.test(value as string) ? null : invalid(`${path}: String should match pattern '${pattern.source}'`));
}

export function listOfShape(item: Shape): Shape {
  return (path, value) => {
    const wrong = aList(path, value);
    if (wrong !== null) return wrong;
    const items = value as readonly unknown[];
    for (let i = 0; i < items.length; i++) {
      const error = item(`${path}.${i}`, items[i]);
      if (error !== null) return error;
    }
    return null;
  };
}

/** An object whose named fields have these shapes; fields not named are left alone. */
export function fields(table: Readonly<Record<string, Shape>>): Shape {
  const rows = Object.entries(table);
  return (path, value) => {
    if (!isJsonObject(value)) return expect(false, path, 'an object');
    for (const [name, shape] of rows) {
      const error = shape(`${path}.${name}`, value[name]);
      if (error !== null) return error;
    }
    return null;
  };
}

/** An object told apart by its `type`; the tag becomes part of the path, as the API does. */
export function tagged(table: Readonly<Record<string, Shape>>): Shape {
  const tags = Object.keys(table);
  return (path, value) => {
    if (!isJsonObject(value)) return expect(false, path, 'an object');
    const tag = value['type'];
    if (tag === undefined) return fieldRequired(`${path}.type`);
    if (typeof tag === 'string' && Object.hasOwn(table, tag)) return table[tag]?.(`${path}.${tag}`, value) ?? null;
    const found = typeof tag === 'string' ? tag : JSON.stringify(tag);
    return invalid(
      `${path}: Input tag '${found}' found using 'type' does not match any of the expected tags: ${tags.map((t) => `'${t}'`).join(', ')}`,
    );
  };
}

function expect(holds: boolean, path: string, what: string): ParamsError | null {
  return holds ? null : invalid(`${path}: Input should be ${what}`);
}
