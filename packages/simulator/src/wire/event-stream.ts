import { Buffer } from 'node:buffer';
import type { WireError } from '@batchwright/protocol';
import { errorEnvelope } from '@batchwright/protocol';
import type { AnswerBlock } from '../answer/answer.ts';
import type { SimulatedMessage } from './message.ts';

/** A streamed answer: the frame sent with the first byte, and those that follow evenly until the end. */
export interface EventStream {
  readonly first: Uint8Array;
  readonly rest: readonly Uint8Array[];
}

/** More deltas would only be more timers: nobody reads a simulated answer token by token. */
const MOST_DELTAS_PER_BLOCK = 12;

/** The message as server-sent events, in the API's order; the last frame closes the stream. */
export function eventStream(message: SimulatedMessage): EventStream {
  const opening = {
    ...message,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...message.usage, output_tokens: Math.min(1, message.usage.output_tokens), output_tokens_details: null },
  };
  const deltas = message.content.flatMap((block, index) => blockEvents(block, index));
  const ping = event('ping', { type: 'ping' });
  // The ping follows the first block's start, where the API sends it; an empty answer has no block to follow.
  const first = event('message_start', { type: 'message_start', message: opening }) + (deltas.shift() ?? '') + ping;
  const closing = event('message_delta', {
    type: 'message_delta',
    delta: {
      container: null,
      stop_details: null,
      stop_reason: message.stop_reason,
      stop_sequence: message.stop_sequence,
    },
    usage: message.usage,
  });
  return {
    first: Buffer.from(first),
    rest: [...deltas, closing + event('message_stop', { type: 'message_stop' })].map((frame) => Buffer.from(frame)),
  };
}

/** The event that ends a stream which fails after its head was sent. */
export function errorEvent(error: WireError, requestId: string): Uint8Array {
  return Buffer.from(event('error', errorEnvelope(error, requestId)));
}

/** The events of one block, each a string: start, deltas, and the stop joined to the last delta. */
function blockEvents(block: AnswerBlock, index: number): readonly string[] {
  const start = event('content_block_start', { type: 'content_block_start', index, content_block: emptied(block) });
  const stop = event('content_block_stop', { type: 'content_block_stop', index });
  const deltas = deltasOf(block).map((delta) =>
    event('content_block_delta', { type: 'content_block_delta', index, delta }),
  );
  return [start, ...deltas, stop];
}

function emptied(block: AnswerBlock): object {
  switch (block.type) {
    case 'text':
      return { ...block, text: '' };
    case 'thinking':
      return { ...block, thinking: '', signature: '' };
    case 'tool_use':
      return { ...block, input: {} };
    default:
      return block satisfies never;
  }
}

function deltasOf(block: AnswerBlock): readonly object[] {
  switch (block.type) {
    case 'text':
      return pieces(block.text).map((text) => ({ type: 'text_delta', text }));
    case 'thinking':
      return [
        ...pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: block.signature },
      ];
    case 'tool_use':
      return pieces(JSON.stringify(block.input)).map((json) => ({ type: 'input_json_delta', partial_json: json }));
    default:
      return block satisfies never;
  }
}

/** A text in a few pieces of about equal length, never cutting a character in two. */
function pieces(text: string): readonly string[] {
  const length = Math.max(16, Math.ceil(text.length / MOST_DELTAS_PER_BLOCK));
  const found: string[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
