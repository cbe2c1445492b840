import { describe, expect, it } from 'vitest';
import type { LogFields } from './log-fields.ts';
import { createLog, silentLog, type LogSettings } from './log.ts';

function memoryLog(level: LogSettings['level'] = 'info') {
  const text: string[] = [];
  const log = createLog({ level, target: { write: (line) => void text.push(line) } });
  const lines = async (): Promise<Record<string, unknown>[]> => {
    await log.flush();
    return text.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { log, lines, text };
}

describe('the log', () => {
  it('writes one JSON object per line with level, time, fields and message', async () => {
    const { log, lines, text } = memoryLog();
    log.info({ requestId: 'req_1', status: 200, aborted: undefined }, 'http');
    const [line] = await lines();
    expect(line).toEqual({ level: 'info', time: expect.any(String), requestId: 'req_1', status: 200, msg: 'http' });
    expect(Date.parse(String(line?.['time']))).not.toBeNaN();
    expect(text[0]).toMatch(/^\{.*\}\n$/);
  });

  it('keeps the order of lines written before and after it was loaded', async () => {
    const { log, lines } = memoryLog();
    log.info({ count: 1 }, 'a');
    log.warn({ count: 2 }, 'b');
    await log.flush();
    log.error({ count: 3 }, 'c');
    expect((await lines()).map((line) => line['count'])).toEqual([1, 2, 3]);
  });

  it('writes nothing below its level, and a silent one nothing at all', async () => {
    const { log, lines } = memoryLog('warn');
    log.info({}, 'no');
    log.warn({}, 'yes');
    expect((await lines()).map((line) => line['msg'])).toEqual(['yes']);
    silentLog.fatal({}, 'no');
    await silentLog.flush();
  });

  it('drops every field that is not on the list', async () => {
    const { log, lines } = memoryLog();
    const careless = { status: 200, prompt: 'tell me', body: '{}', headers: { 'x-api-key': 'k' }, url2: 'x' };
    log.info(careless as LogFields, 'http');
    expect(Object.keys((await lines())[0] ?? {}).toSorted()).toEqual(['level', 'msg', 'status', 'time']);
  });

  it('drops a listed field that is no plain value', async () => {
    const { log, lines } = memoryLog();
    log.info({ reason: { prompt: 'tell me' } } as unknown as LogFields, 'x');
    expect((await lines())[0]).not.toHaveProperty('reason');
  });

  it('cuts long texts, and what looks like a key', async () => {
    const { log, lines } = memoryLog();
    log.info({ reason: `refused sk-ant-api03-abcdefgh and Bearer abc.def ${'x'.repeat(2000)}` }, 'x');
    const reason = String((await lines())[0]?.['reason']);
    expect(reason).toContain('refused sk-… and Bearer … x');
    expect(reason.length).toBeLessThan(520);
  });

  it('keeps a line break in a value from becoming a line', async () => {
    const { log, lines, text } = memoryLog();
    log.info({ reason: 'a\n{"level":"fatal"}\r\u2028' }, 'x');
    await lines();
    expect(text.join('').match(/\n/g)).toHaveLength(1);
  });

  it('says nothing that a terminal would obey', async () => {
    const { log, lines, text } = memoryLog();
    log.info({ reason: '\u001b[2Jcleared\u009b31m\u0007\u202ereversed', host: 'a\u2028b' }, 'x');
    const [line] = await lines();
    expect(line).toMatchObject({ reason: '·[2Jcleared·31m··reversed', host: 'a·b' });
    log.error({ err: new Error('\u001b]0;title\u0007', { cause: new Error('\u009b2J') }) }, 'x');
    await lines();
    expect(text.join('')).not.toMatch(/(?!\n)\p{Cc}|\\u00|[\u2028\u2029\u202e]/u);
  });

  it('describes an error by name, code, message, place and causes', async () => {
    const { log, lines } = memoryLog();
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    log.error({ err: new TypeError('could not write', { cause }) }, 'x');
    expect((await lines())[0]?.['err']).toMatchObject({
      name: 'TypeError',
      message: 'could not write',
      stack: expect.arrayContaining([expect.stringMatching(/^at /)]),
      cause: { name: 'Error', code: 'ENOSPC', message: 'no space' },
    });
  });

  it('never quotes what a parser choked on', async () => {
    const { log, lines, text } = memoryLog();
    try {
      JSON.parse('secret prompt');
    } catch (err) {
      log.error({ err }, 'x');
    }
    await lines();
    expect(text.join('')).toContain('SyntaxError');
    expect(text.join('')).not.toContain('secret');
  });

  it('survives whatever is thrown', async () => {
    const { log, lines } = memoryLog();
    const circular = new Error('round');
    circular.cause = circular;
    for (const err of ['text', 42, null, { a: 1 }, circular]) log.error({ err }, 'x');
    expect(await lines()).toHaveLength(5);
  });
});
