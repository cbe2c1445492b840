import type { BatchResult } from '@batchwright/protocol';
import type { Answer } from './answer-writer.ts';
import type { ByteSink } from './byte-sink.ts';

/** An answer with a result, as a line of the API. */
export function answerOf(customId: string, result: BatchResult, rejection: string | null = null): Answer {
  return { customId, line: Buffer.from(JSON.stringify({ custom_id: customId, result })), rejection };
}

/** A succeeded answer of one text. */
export function textAnswer(customId: string, text: string, rejection: string | null = null): Answer {
  return answerOf(customId, { type: 'succeeded', message: messageOf([{ type: 'text', text }]) }, rejection);
}

export function erroredAnswer(customId: string, type: 'api_error' | 'invalid_request_error', message: string): Answer {
  const error = { type: 'error', error: { type, message }, request_id: null } as const;
  return answerOf(customId, { type: 'errored', error });
}

/** A message of the API with this content. */
export function messageOf(content: readonly unknown[], stopReason = 'end_turn') {
  return {
    id: 'msg_01aaaaaaaaaaaaaaaaaaaaaa',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5-20251001',
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: {
      input_tokens: 12,
      cache_creation_input_tokens: 34,
      cache_read_input_tokens: 56,
      output_tokens: 78,
      service_tier: 'batch',
    },
  };
}

/** Many answers of every kind, the same each time. */
export function* manyAnswers(count: number): Generator<Answer> {
  for (let i = 0; i < count; i++) {
    const id = `row-${String(i).padStart(7, '0')}`;
    if (i % 10 === 3) yield erroredAnswer(id, 'api_error', `broken “${i}”, \n"quoted"`);
    else if (i % 10 === 5) yield answerOf(id, { type: 'expired' });
    else if (i % 10 === 7) yield textAnswer(id, `{"n": ${i},\n "list": [1, 2]}`);
    else if (i % 10 === 9) yield textAnswer(id, 'nonsense', 'the answer is not JSON');
    else yield textAnswer(id, `Answer ${i}, with "quotes", commas,\r\nlines\tand 字 😀`);
  }
}

/** A sink that keeps what it gets. */
export function memorySink(): ByteSink & { readonly bytes: () => Uint8Array; readonly text: () => string } {
  const pieces: Uint8Array[] = [];
  return {
    write: async (bytes) => void pieces.push(Buffer.from(bytes)),
    finish: async () => undefined,
    discard: async () => void pieces.splice(0),
    bytes: () => Buffer.concat(pieces),
    text: () => Buffer.concat(pieces).toString('utf8'),
  };
}
