import { Buffer, isUtf8 } from 'node:buffer';
import type { Problem } from '@batchwright/protocol';

/** A call's body: its value, or why it has none; with its text either way, for rules that look into it. */
export type Body =
  | { readonly type: 'parsed'; readonly value: unknown; readonly text: string }
  | { readonly type: 'unreadable'; readonly problem: Problem; readonly text: string };

export function readBody(body: Uint8Array | null, limitBytes: number): Body {
  if (body === null || body.length === 0) return unreadable('the body is empty', '');
  if (body.length > limitBytes)
    return { type: 'unreadable', problem: { type: 'body_too_large', limitBytes }, text: '' };
  if (!isUtf8(body)) return unreadable('the body is not valid UTF-8', '');
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8');
  try {
    return { type: 'parsed', value: JSON.parse(text), text };
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error), text);
  }
}

function unreadable(reason: string, text: string): Body {
  return { type: 'unreadable', problem: { type: 'not_json', reason }, text };
}
