import { isJsonObject } from '@batchwright/core';

/**
 * What a text that starts with `@@sim{…}@@` asks of the simulator: so that a test can have a document of 20,000 tokens
 * in 40 bytes, an answer of a given length, or a call that takes or fails as told.
 */
export interface Directive {
  /** Tokens the whole block counts as. */
  readonly tokens?: number;
  /** Output tokens. */
  readonly out?: number;
  /** Milliseconds to the first byte. */
  readonly ttftMs?: number;
  /** Milliseconds to the end. */
  readonly durMs?: number;
  /** A fault kind, or the HTTP status of one. */
  readonly fail?: string | number;
}

const PREFIX = '@@sim{';
const PATTERN = /^@@sim(\{[^]*?\})@@/;
const NONE: Directive = {};

/** The directive a text starts with; none when there is none or when it is not JSON. */
export function directiveOf(text: string): Directive {
  if (!text.startsWith(PREFIX)) return NONE;
  const source = PATTERN.exec(text)?.[1];
  return source === undefined ? NONE : read(source);
}

/** The text a person wrote: without the directive. */
export function withoutDirective(text: string): string {
  return text.startsWith(PREFIX) ? text.replace(PATTERN, '') : text;
}

function read(source: string): Directive {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    // Text that only looks like a directive is text.
    return NONE;
  }
  if (!isJsonObject(value)) return NONE;
  const { tokens, out, ttft_ms: ttftMs, dur_ms: durMs, fail } = value;
  return {
    ...(isCount(tokens) && { tokens }),
    ...(isCount(out) && { out }),
    ...(isCount(ttftMs) && { ttftMs }),
    ...(isCount(durMs) && { durMs }),
    ...((typeof fail === 'string' || typeof fail === 'number') && { fail }),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
