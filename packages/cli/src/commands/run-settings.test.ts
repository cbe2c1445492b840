import { describe, expect, it } from 'vitest';
import type { Host } from '../host.ts';
import type { RunCommandOptions } from './run-options.ts';
import { readRunSettings, type RunSettings } from './run-settings.ts';

const KEY = { ANTHROPIC_API_KEY: 'k' };

function read(options: RunCommandOptions, env: Host['env'] = KEY): ReturnType<typeof readRunSettings> {
  return readRunSettings({ output: 'out.jsonl', ...options }, { env } as Host);
}

function settingsOf(options: RunCommandOptions, env?: Host['env']): RunSettings {
  const reading = read(options, env);
  if (reading.type === 'faults') throw new Error(reading.lines.join('\n'));
  return reading.settings;
}

describe('the settings of a run', () => {
  it('are left to the client where nothing is said', () => {
    expect(settingsOf({})).toEqual({
      run: { markers: 'auto', batchSize: {}, detach: false, retryFailed: false },
      planning: {},
      order: 'arrival',
      endpoint: { type: 'api', baseUrl: 'https://api.anthropic.com', namedBy: 'ANTHROPIC_BASE_URL' },
      prices: null,
      cancelsOnInterrupt: false,
      escapesFormulas: false,
      restart: 'no',
      json: false,
      quiet: false,
      colour: true,
    });
  });

  it('are what the options say', () => {
    const { run, ...rest } = settingsOf({
      waves: 'off',
      waveValue: '20000',
      markers: 'respect',
      batchRequests: '500',
      batchBytes: '50MB',
      batchTokens: '1000000',
      queued: '5000',
      retry: 'rate_limited, expired',
      attempts: '5',
      maxCost: '12.50',
      detach: true,
      order: 'input',
      server: 'http://h:1',
      prices: 'p.json',
      cancelOnInterrupt: true,
      escapeFormulas: true,
      restart: true,
      cancelOld: true,
      color: false,
    });
    expect(run).toEqual({
      waves: 'off',
      latencyTokens: 20_000,
      markers: 'respect',
      batchSize: { requests: 500, bytes: 50_000_000, tokens: 1_000_000 },
      queuedRequests: 5000,
      retry: ['rate_limited', 'expired'],
      attempts: 5,
      maxCostUsd: '12.50',
      detach: true,
      retryFailed: false,
    });
    expect(rest).toMatchObject({
      planning: {
        '--waves': 'off',
        '--wave-value': '20000',
        '--markers': 'respect',
        '--batch-requests': '500',
        '--batch-bytes': '50000000',
        '--batch-tokens': '1000000',
      },
      order: 'input',
      endpoint: { type: 'api', baseUrl: 'http://h:1' },
      prices: 'p.json',
      cancelsOnInterrupt: true,
      escapesFormulas: true,
      restart: 'cancel',
      colour: false,
    });
  });

  it('takes prices from the environment, as a server does', () => {
    expect(settingsOf({}, { ...KEY, BATCHWRIGHT_PRICES: 'p.json' }).prices).toBe('p.json');
    expect(settingsOf({ retry: 'none' }).run.retry).toEqual([]);
  });

  it.each<[RunCommandOptions, string]>([
    [{ waves: 'on' }, '--waves is "on", but must be one of auto, off.'],
    [{ order: 'random' }, '--order is "random", but must be one of arrival, input.'],
    [{ attempts: '0' }, '--attempts is "0", but must be a whole number from 1 to 100.'],
    [{ batchRequests: '100001' }, '--batch-requests is "100001", but must be a whole number from 1 to 100000.'],
    [{ batchBytes: '1TB' }, '--batch-bytes is "1TB", but must be a size from 113 to 268435456 bytes, such as 50MB.'],
    [{ batchBytes: '5' }, '--batch-bytes is "5", but must be a size from 113 to 268435456 bytes, such as 50MB.'],
    [{ batchTokens: '-1' }, '--batch-tokens is "-1", but must be a whole number from 1.'],
    [{ maxCost: 'much' }, '--max-cost is "much", but must be an amount in dollars above 0, such as 12.50.'],
    [
      { retry: 'errored,all' },
      '--retry is "errored,all", but must be none, or of errored, rate_limited, overloaded, api_error, timed_out, expired, canceled, separated by commas.',
    ],
    [
      { output: '-', runDir: 'r', json: true },
      '--json prints events on standard output, and so would the answers go. Name a file with -o.',
    ],
    [
      { output: '-' },
      'answers on standard output leave no place to keep the run. Name a file with -o, or a directory with --run-dir.',
    ],
    [
      { detach: true, server: 'simulated' },
      '--detach leaves the batches to a server, but the simulated one ends with this command. Name a server, or leave --detach out.',
    ],
    [
      { retryFailed: true, restart: true },
      '--retry-failed goes on with the run that --restart forgets. Leave one of them out.',
    ],
    [{ cancelOld: true }, '--cancel-old is about the run that --restart forgets. Add --restart, or leave it out.'],
    [
      { server: 'localhost' },
      '--server is "localhost", but must be an http(s) URL without credentials, query or fragment, or simulated. Example: http://127.0.0.1:4180',
    ],
  ])('%j is refused with the remedy', (options, line) => {
    expect(read(options)).toEqual({ type: 'faults', lines: [line] });
  });

  it('names every fault at once', () => {
    expect(read({ waves: 'on', attempts: 'x' })).toMatchObject({ lines: [expect.any(String), expect.any(String)] });
  });
});
