import { outline, type ValueSpan } from './outline.ts';

/**
 * The value at the end of a path of keys, such as `['usage', 'service_tier']`; null when it is not there, or when the
 * document is not exactly one JSON object.
 */
export function findPath(document: Uint8Array, path: readonly string[]): ValueSpan | null {
  let value: ValueSpan | undefined;
  for (const key of path) {
    if (value !== undefined && value.kind !== 'object') return null;
    const found = outline(document, value)?.find(key) ?? null;
    if (found === null) return null;
    value = found;
  }
  return value ?? null;
}
