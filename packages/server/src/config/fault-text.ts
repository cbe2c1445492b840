import { nearestName } from './nearest-name.ts';

/** Pieces of the lines that say what is wrong with a setting: each names the thing, its value and the remedy. */

/** A value, quoted and cut, so that one fault stays one line. */
export function quoted(value: unknown): string {
  // JSON has no word for what 1e400 is read as.
  const shown = value === Number.POSITIVE_INFINITY ? 'too large' : (JSON.stringify(value) ?? String(value));
  return shown.length > 120 ? `${shown.slice(0, 117)}…` : shown;
}

/** What was most likely meant by a name that is none, or else what to do. */
export function remedy(name: string, known: readonly string[], otherwise: string, prefix = ''): string {
  const nearest = nearestName(name, known, prefix);
  return nearest === null ? ` ${otherwise}` : ` Did you mean ${nearest}?`;
}

/** One JSON object, or what is wrong with the text instead. */
export function parseObject(content: string): Readonly<Record<string, unknown>> | string {
  try {
    const value: unknown = JSON.parse(content);
    return isObject(value) ? value : 'is JSON, but no object';
  } catch {
    // The parser's own message quotes the file's text, which may hold a key.
    return 'is not valid JSON';
  }
}

/** Neither null nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
