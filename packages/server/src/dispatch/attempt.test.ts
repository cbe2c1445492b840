import type { UpstreamAnswer } from '@batchwright/core';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Attempt } from './attempt.ts';
import { frame } from './event-stream.fixture.ts';
import { OpenEnds } from './open-ends.ts';
import type { StartUsage } from './streamed-message.ts';

const USAGE = { input_tokens: 3, cache_creation_input_tokens: 20, cache_read_input_tokens: 4 };
const START = frame({ type: 'message_start', message: { id: 'msg_1', type: 'message', content: [], usage: USAGE } });
const STREAM = START + frame({ type: 'message_stop' });
const WRITTEN: StartUsage = { inputTokens: 3, readTokens: 4, createdTokens: 20 };
const EVENTS = { 'content-type': 'text/event-stream' };

function begin(headers: Record<string, string> = EVENTS, status = 200, ends = new OpenEnds()) {
  const heard = { starts: [] as (StartUsage | null)[], answers: [] as UpstreamAnswer[], body: '', cancelled: 0 };
  const attempt = new Attempt(
    {
      onFirstByte: () => {},
      onStart: (_attempt, usage) => heard.starts.push(usage),
      onAnswer: (_attempt, answer, body) => {
        heard.answers.push(answer);
        heard.body = Buffer.from(body).toString();
      },
    },
    () => 0,
    ends,
  );
  attempt.started(() => (heard.cancelled += 1));
  attempt.onHead(status, headers);
  return { attempt, heard };
}

const isWhole = (heard: ReturnType<typeof begin>['heard']): void => {
  expect(heard.starts).toEqual([WRITTEN]);
  expect(heard.answers).toEqual([{ type: 'succeeded' }]);
  expect(JSON.parse(heard.body)).toMatchObject({ id: 'msg_1', usage: USAGE });
};

describe('a streamed answer', () => {
  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const)('that comes as %s although it was not asked for is taken all the same', (encoding, compress) => {
    const { attempt, heard } = begin({ ...EVENTS, 'content-encoding': encoding });
    const bytes = compress(STREAM);
    attempt.onData(bytes.subarray(0, 20));
    attempt.onData(bytes.subarray(20));
    attempt.onEnd();
    isWhole(heard);
  });

  it.each([
    ['no type', {}],
    ['another type', { 'content-type': 'text/plain' }],
    ['its type in other letters', { 'content-type': 'Text/Event-Stream; charset=utf-8' }],
  ])('with %s is taken all the same', (_, headers) => {
    const { attempt, heard } = begin(headers);
    attempt.onData(Buffer.from(STREAM));
    attempt.onEnd();
    isWhole(heard);
  });

  it('that fails half-way is called off: what follows would be paid for and be of no use', () => {
    const { attempt, heard } = begin();
    attempt.onData(Buffer.from(START));
    attempt.onData(Buffer.from('event: content_block_delta\ndata: {"type":\n\n'));
    expect(heard.answers).toMatchObject([{ type: 'broken' }]);
    expect(heard.cancelled).toBe(1);
  });

  it('is left to end by itself after its last event, so that its connection can be used again', () => {
    const { attempt, heard } = begin();
    attempt.onData(Buffer.from(STREAM));
    isWhole(heard);
    attempt.onData(Buffer.from('data: [DONE]\n\n'));
    attempt.onEnd();
    expect(heard.cancelled).toBe(0);
    expect(heard.answers).toHaveLength(1);
  });

  it('is called off when it goes on and on after its last event', () => {
    const { attempt, heard } = begin();
    attempt.onData(Buffer.from(STREAM));
    for (let i = 0; i < 1000; i++) attempt.onData(Buffer.from(frame({ type: 'ping' })));
    expect(heard.cancelled).toBe(1);
    expect(heard.answers).toHaveLength(1);
  });

  it.each([
    ['are kept open by their upstream', () => {}, [1, 1, 0, 0]],
    ['end', (attempt: Attempt) => attempt.onEnd(), [0, 0, 0, 0]],
    ['break', (attempt: Attempt) => attempt.onFailure('reset', false), [0, 0, 0, 0]],
  ])('leaves no more than a number of connections open that %s after the last event', (_, end, cancelled) => {
    const ends = new OpenEnds(2);
    const begun = [1, 2, 3, 4].map(() => begin(EVENTS, 200, ends));
    for (const { attempt } of begun) {
      attempt.onData(Buffer.from(STREAM));
      end(attempt);
    }
    expect(begun.map(({ heard }) => heard.cancelled)).toEqual(cancelled);
    for (const { heard } of begun) isWhole(heard);
  });
});

it('what is not streamed is no stream, whatever it begins with', () => {
  const { attempt, heard } = begin({}, 400);
  attempt.onData(Buffer.from('data: {"type":"message_stop"}\n\n'));
  attempt.onEnd();
  expect(heard.starts).toEqual([]);
  expect(heard.answers).toMatchObject([{ type: 'rejected' }]);
});
