import { noUse } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { batchMessage } from './batch-message.ts';

const shown = (body: string): string | null => {
  const message = batchMessage(Buffer.from(body));
  return message === null ? null : Buffer.concat(message.pieces).toString('utf8');
};

describe('batchMessage', () => {
  it('writes the batch tier over the upstream’s own and leaves every other byte', () => {
    const body = '{"id":"msg_1","n":1.0,"usage":{"input_tokens":3,"service_tier":"standard"},"x":"\\u0041"}';
    expect(shown(body)).toBe(body.replace('"standard"', '"batch"'));
  });

  it('adds the tier where the upstream has none', () => {
    expect(shown('{"usage":{"input_tokens":3}}')).toBe('{"usage":{"service_tier":"batch","input_tokens":3}}');
    expect(shown('{"usage":{}}')).toBe('{"usage":{"service_tier":"batch"}}');
    expect(shown('{"usage":{ }}')).toBe('{"usage":{"service_tier":"batch" }}');
  });

  it('is not misled by the same words inside the content', () => {
    const body =
      '{"content":[{"type":"tool_use","input":{"usage":{"service_tier":"standard"}}}],"usage":{"service_tier":null}}';
    expect(shown(body)).toBe(body.replace('null', '"batch"'));
  });

  it('takes the last of two usages, as a JSON parser would', () => {
    expect(shown('{"usage":{"service_tier":"a"},"usage":{"service_tier":"b"}}')).toBe(
      '{"usage":{"service_tier":"a"},"usage":{"service_tier":"batch"}}',
    );
  });

  it('leaves a message without usage as it is', () => {
    expect(shown('  {"id":"msg_1"}\n')).toBe('{"id":"msg_1"}');
    expect(shown('{"usage":null}')).toBe('{"usage":null}');
  });

  it('makes one line of a pretty-printed answer without touching its strings', () => {
    const pretty = JSON.stringify({ text: 'a\nb', usage: { service_tier: 'standard' } }, null, 2);
    const line = shown(pretty) as string;
    expect(line).not.toMatch(/[\r\n]/);
    expect(JSON.parse(line)).toEqual({ text: 'a\nb', usage: { service_tier: 'batch' } });
  });

  it('refuses what is not exactly one JSON object', () => {
    for (const body of ['', 'null', '[]', '"x"', '{}{}', '{"a":1', '{"a":1}x', '<html>', '{"a":\u0000}']) {
      expect(shown(body), body).toBeNull();
    }
  });

  it('refuses an error, and no message that only has a field of that name', () => {
    expect(shown('{"type":"error","error":{"type":"api_error","message":"no"}}')).toBeNull();
    expect(shown('{"error":"no"}')).toBeNull();
    for (const body of ['{"id":"msg_1","error":null}', '{"content":[],"error":{}}']) expect(shown(body)).toBe(body);
  });

  it('reads the tokens that were reported, and 0 for those that were not', () => {
    const usage = { input_tokens: 7, output_tokens: 2, cache_read_input_tokens: null, cache_creation_input_tokens: 5 };
    expect(batchMessage(Buffer.from(JSON.stringify({ model: 'm\u00e9', usage })))?.usage).toEqual({
      model: 'mé',
      inferenceGeo: null,
      inputTokens: 7,
      outputTokens: 2,
      write5mTokens: 5,
      write1hTokens: 0,
      readTokens: 0,
    });
    expect(batchMessage(Buffer.from('{"model":3,"id":"msg_1"}'))?.usage).toEqual(noUse(''));
  });

  it('names the model of each answer, whatever the one before it named', () => {
    const names = ['m-1', 'm-2', 'm-2', 'm-20', 'm', '', 'm-1'];
    for (const model of names) {
      // The bytes are another answer's soon after.
      const body = Buffer.from(JSON.stringify({ model, usage: { input_tokens: 1 } }));
      expect(batchMessage(body)?.usage.model).toBe(model);
      body.fill(0x41);
    }
  });
});
