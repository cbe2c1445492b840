import { describe, expect, it } from 'vitest';
import type { Host, TerminalSize } from '../host.ts';
import { batchOf, progressOf } from './progress.fixture.ts';
import { openDisplay, type DisplayOptions } from './run-display.ts';

const INPUT = { readBytes: 0, totalBytes: null };
const USUAL: DisplayOptions = { json: false, quiet: false, colour: true };

function hostOf(size: TerminalSize | null, env: Host['env'] = {}) {
  const said = { out: '', err: '', nowMs: 0 };
  const host: Partial<Host> = {
    env,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    errSize: () => size,
    now: () => said.nowMs,
  };
  return { host: host as Host, said };
}

describe('without a terminal', () => {
  it('writes a line at each change, and one every ten seconds', () => {
    const { host, said } = hostOf(null);
    const display = openDisplay(USUAL, host);
    display.know([{ number: 0, isSent: true, isOver: false }]);
    const first = progressOf({ batches: [batchOf(0, { settled: 10 }), batchOf(1, { state: 'planned', id: null })] });
    display.show(first, INPUT);
    said.nowMs = 5000;
    display.show(first, INPUT);
    expect(said.err.split('\n')).toHaveLength(2);
    said.nowMs = 10_000;
    display.show(first, INPUT);
    const line =
      'running 4,210 of 10,000 (42%), 20 failed, 118/s, about 49 s left, 1.2M tokens in, 77% from the cache, 126k out, $0.50 so far, about $2.90 in all';
    expect(said.err).toBe(`${line}\n${line}\n`);
    display.show(
      progressOf({ batches: [batchOf(0, { state: 'ended', settled: 2500 }), batchOf(1, { id: 'msgbatch_01X' })] }),
      INPUT,
    );
    expect(said.err.split('\n').slice(2)).toEqual([
      'batch 1 over: 2,500 of 2,500 answered',
      'batch 2 sent: msgbatch_01X, 2,500 requests',
      '',
    ]);
  });
});

describe('while it waits for what somebody can mend', () => {
  const waiting = (seconds: number) =>
    progressOf({ waitingFor: `Nothing answers; next try in ${seconds} s`, remedy: 'Start the server.' });

  it.each<[string, DisplayOptions, TerminalSize | null]>([
    ['in a pipe', USUAL, null],
    ['on a terminal', USUAL, { columns: 80, rows: 24 }],
    ['for machines', { ...USUAL, json: true }, null],
  ])('says once what helps, %s', (_, options, size) => {
    const { host, said } = hostOf(size);
    const display = openDisplay(options, host);
    for (const seconds of [1, 2, 4, 8]) {
      said.nowMs += 10_000;
      display.show(waiting(seconds), INPUT);
    }
    expect(said.err.split('Start the server.')).toHaveLength(2);
    expect(said.err).toContain('Nothing answers; next try in 1 s. Start the server.');
    expect(`${said.out}${said.err}`).toContain('Nothing answers; next try in 8 s');
  });
});

describe('on a terminal', () => {
  it('draws a block, at most five times a second, and the last state at the end', () => {
    const { host, said } = hostOf({ columns: 80, rows: 24 });
    const display = openDisplay({ ...USUAL, colour: false }, host);
    display.show(progressOf(), INPUT);
    const drawn = said.err;
    expect(drawn).toContain('\u001B[J');
    said.nowMs = 100;
    display.show(progressOf({ resultsPerSecond: 7 }), INPUT);
    expect(said.err).toBe(drawn);
    display.end('stays');
    expect(said.err.slice(drawn.length)).toContain('· 7/s ·');
  });

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }, true],
    ['--no-color', {}, false],
  ])('uses no colours with %s', (_, env, colour) => {
    const { host, said } = hostOf({ columns: 80, rows: 24 }, env);
    openDisplay({ ...USUAL, colour }, host).show(progressOf(), INPUT);
    // oxlint-disable-next-line no-control-regex -- it is about control characters
    expect(said.err).not.toMatch(/\u001B\[[0-9;]*m/);
  });

  it('writes lines on a dumb one', () => {
    const { host, said } = hostOf({ columns: 80, rows: 24 }, { TERM: 'dumb' });
    openDisplay(USUAL, host).show(progressOf(), INPUT);
    expect(said.err).not.toContain('\u001B');
  });
});

describe('for machines', () => {
  it('prints one JSON object a line on standard output, and what is for people on standard error', () => {
    const { host, said } = hostOf(null);
    const display = openDisplay({ ...USUAL, json: true }, host);
    display.show(progressOf({ batches: [batchOf(0)] }), INPUT);
    said.nowMs = 500;
    display.show(progressOf({ batches: [batchOf(0, { state: 'downloaded', settled: 2500 })] }), INPUT);
    display.say('something for people');
    const events = said.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toEqual([
      expect.objectContaining({
        type: 'batch_sent',
        batch: 0,
        id: 'msgbatch_010000AbCdEfGhJkMnPqRsTu',
        requests: 2500,
      }),
      expect.objectContaining({ type: 'progress', phase: 'running', requests: 10_000, settled: 4210 }),
      expect.objectContaining({ type: 'batch_ended', batch: 0, settled: 2500 }),
    ]);
    expect(events[1]).toMatchObject({
      batches: { planned: 1, sent: 1, over: 0 },
      tokens: { input: 251_400, cache_read: 921_800 },
      cost_usd: '0.5028',
      expected_cost_usd: '2.90',
    });
    expect(said.err).toBe('something for people\n');
  });
});

it('says nothing but what is wrong when it is to be quiet', () => {
  const { host, said } = hostOf({ columns: 80, rows: 24 });
  const display = openDisplay({ ...USUAL, quiet: true }, host);
  display.show(progressOf(), INPUT);
  display.say('never mind');
  display.warn('this is wrong');
  display.end('stays');
  expect([said.out, said.err]).toEqual(['', 'batchwright: this is wrong\n']);
});
