import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { streamSink } from './byte-sink.ts';

/** What a stream got, as a terminal or as a pipe. */
async function printed(line: string, isTTY: boolean): Promise<string> {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await streamSink(Object.assign(stream, { isTTY })).write(Buffer.from(line));
  return text;
}

const HOSTILE = '{"text":"\u001b]0;title\u0007 \u009b2J\u202ereversed\u001b[31m"}\n';

describe('bytes on standard output', () => {
  it('are as they came in a pipe', async () => {
    expect(await printed(HOSTILE, false)).toBe(HOSTILE);
  });

  it('command no terminal, and mean the same as JSON', async () => {
    const line = `{"text":${JSON.stringify('\u009b2J\u202e\u200f ünï 😀 漢\ttab')}}\r\n`;
    expect(JSON.parse(await printed(line, true))).toEqual(JSON.parse(line));
    expect(await printed(HOSTILE, true)).toBe(
      String.raw`{"text":"\u001b]0;title\u0007 \u009b2J\u202ereversed\u001b[31m"}` + '\n',
    );
  });
});
