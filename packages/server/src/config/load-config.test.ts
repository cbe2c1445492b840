import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { OPTIONS, OPTION_KEYS, defaultConfig, optionNames } from './options.ts';
import type { LoadedConfig } from './load-config.ts';
import type { Config } from './options.ts';

interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly files?: Readonly<Record<string, unknown>>;
}

/** Files given as text are taken as they stand, anything else as JSON. */
function load({ args = [], env = {}, files = {} }: Given): LoadedConfig {
  const readFile = (path: string): string | null => {
    const content = files[path];
    if (content === undefined) return null;
    return typeof content === 'string' ? content : JSON.stringify(content);
  };
  return loadConfig({ args, env, cwd: '/home/me', readFile });
}

function loaded(given: Given): Config {
  const result = load(given);
  if (result.type === 'invalid') throw new Error(result.lines.join('\n'));
  return result.config;
}

function faults(given: Given): readonly string[] {
  const result = load(given);
  if (result.type === 'loaded') throw new Error('was loaded');
  return result.lines;
}

const FILE = '/home/me/batchwright.config.json';

describe('precedence', () => {
  it('is the defaults when nothing is set', () => {
    expect(loaded({})).toEqual({ ...defaultConfig, dataDir: '/home/me/.batchwright' });
  });

  it('puts flags before environment before file', () => {
    const env = { BATCHWRIGHT_PORT: '2', BATCHWRIGHT_CONCURRENCY: '2' };
    const files = { [FILE]: { port: 3, concurrency: 3, concurrent_uploads: 3 } };
    const config = loaded({ args: ['--port', '4'], env, files });
    expect([config.port, config.concurrency, config.concurrentUploads]).toEqual([4, 2, 3]);
  });

  it('lets the last of two equal flags win, so that a script can be overridden', () => {
    expect(loaded({ args: ['--port', '4', '--port=2'] }).port).toBe(2);
  });

  it('takes an empty environment variable as unset', () => {
    expect(loaded({ env: { BATCHWRIGHT_PORT: '' } }).port).toBe(4180);
  });
});

describe('every option', () => {
  it.each(OPTION_KEYS.filter((key) => key !== 'databaseUrl' && key !== 'upstreamApiKey' && key !== 'prices'))(
    '%s takes its own example by flag, by environment and by file',
    (key) => {
      const { flag, env, file } = optionNames(key);
      const { example } = OPTIONS[key];
      const byFlag = loaded({ args: [flag, example] });
      expect(loaded({ args: [`${flag}=${example}`] })).toEqual(byFlag);
      expect(loaded({ env: { [env]: example } })).toEqual(byFlag);
      const json = typeof OPTIONS[key].default === 'number' ? Number(example) : example;
      expect(loaded({ files: { [FILE]: { [file]: json } } })).toEqual(byFlag);
    },
  );
});

describe('values', () => {
  it.each([
    ['simulated', { type: 'simulated' }],
    ['http://127.0.0.1:8000', { type: 'messages', baseUrls: ['http://127.0.0.1:8000'] }],
    ['https://host.example/proxy/v1/', { type: 'messages', baseUrls: ['https://host.example/proxy'] }],
    ['http://a:1, http://b:2/v1', { type: 'messages', baseUrls: ['http://a:1', 'http://b:2'] }],
  ])('reads upstream %s', (value, expected) => {
    expect(loaded({ args: ['--upstream', value] }).upstream).toEqual(expected);
  });

  it.each([
    'ftp://x',
    'localhost',
    'http://user:pw@host',
    'http://host/?a=b',
    '',
    'simulated,http://a',
    'http://a,,http://b',
    Array.from({ length: 65 }, (_, i) => `http://a${i}`).join(','),
  ])('refuses upstream %j', (value) => {
    expect(faults({ args: [`--upstream=${value}`] })).toHaveLength(1);
  });

  it('takes a relative data_dir from the working directory, or from the file that names it', () => {
    expect(loaded({ args: ['--data-dir', 'here'] }).dataDir).toBe('/home/me/here');
    const files = { '/etc/bw/c.json': { data_dir: 'there' } };
    expect(loaded({ args: ['--config', '/etc/bw/c.json'], files }).dataDir).toBe('/etc/bw/there');
  });

  it('reads betas as a comma list, and as an array in the file', () => {
    expect(loaded({ env: { BATCHWRIGHT_BETAS: 'a-1, b-2,' } }).betas).toEqual(['a-1', 'b-2']);
    expect(loaded({ files: { [FILE]: { betas: ['a-1'] } } }).betas).toEqual(['a-1']);
  });

  it('names the config file by environment too, and the flag before it', () => {
    const files = { '/home/me/a.json': { port: 4 }, '/home/me/b.json': { port: 2 } };
    const env = { BATCHWRIGHT_CONFIG: 'a.json' };
    expect(loaded({ env, files }).port).toBe(4);
    expect(loaded({ env, files, args: ['--config=b.json'] }).port).toBe(2);
  });
});

describe('faults are one line each, with thing, value and remedy', () => {
  it.each<[string, Given, string]>([
    ['an unknown flag', { args: ['--prot', '1'] }, '--prot is not an option of serve. Did you mean --port?'],
    [
      'a flag nothing is near',
      { args: ['--xyzzy'] },
      '--xyzzy is not an option of serve. See batchwright serve --help.',
    ],
    ['a stray word', { args: ['now'] }, 'serve takes options only, and "now" is none. See batchwright serve --help.'],
    [
      'a port that no client of fetch reaches',
      { args: ['--port', '6666'] },
      '--port is "6666", a port that browsers and the fetch of the SDKs refuse to connect to. Choose another, such as 6670.',
    ],
    [
      'such a port in the file',
      { files: { [FILE]: { port: 4190 } } },
      `"port" in ${FILE} is "4190", a port that browsers and the fetch of the SDKs refuse to connect to. Choose another, such as 4191.`,
    ],
    ['a flag without its value', { args: ['--port'] }, '--port needs a value, as in --port 4180.'],
    [
      'an unknown variable',
      { env: { BATCHWRIGHT_UPSTREM: 'x' } },
      'BATCHWRIGHT_UPSTREM is set, but no option has that name. Did you mean BATCHWRIGHT_UPSTREAM?',
    ],
    [
      'a variable nothing is near',
      { env: { BATCHWRIGHT_QQQQ: 'x' } },
      'BATCHWRIGHT_QQQQ is set, but no option has that name. Unset it, or see batchwright serve --help.',
    ],
    [
      'an unknown key in the file',
      { files: { [FILE]: { dataDir: '.' } } },
      `"dataDir" in ${FILE} is not an option. Did you mean data_dir?`,
    ],
    [
      'a wrong type',
      { env: { BATCHWRIGHT_PORT: 'abc' } },
      'BATCHWRIGHT_PORT is "abc", but must be a whole number from 0 to 65535. Example: 4180',
    ],
    [
      'a number written as text in the file',
      { files: { [FILE]: { port: '80' } } },
      `"port" in ${FILE} is "80", but must be a whole number from 0 to 65535. Example: 4180`,
    ],
    [
      'a number out of bounds',
      { args: ['--concurrency=0'] },
      '--concurrency is "0", but must be a whole number from 1 to 16384. Example: 64',
    ],
    [
      'a word outside the choice',
      { args: ['--clock', 'fake'] },
      '--clock is "fake", but must be one of real, virtual. Example: real',
    ],
    [
      'a file that is missing',
      { args: ['--config', 'x.json'] },
      'the config file /home/me/x.json does not exist. Create it, or leave --config out.',
    ],
    [
      'a file that is no JSON',
      { files: { [FILE]: '{port: 1}' } },
      `${FILE} is not valid JSON. It must hold one JSON object, as in {"port": 4180}.`,
    ],
    [
      'a file that is no object',
      { files: { [FILE]: '[]' } },
      `${FILE} is JSON, but no object. It must hold one JSON object, as in {"port": 4180}.`,
    ],
    [
      'a database, which this version does not know',
      { env: { BATCHWRIGHT_DATABASE_URL: 'postgres://u:p@h/d' } },
      'BATCHWRIGHT_DATABASE_URL is set, but PostgreSQL is not available in this version. Unset it; data is kept in data_dir.',
    ],
    [
      'virtual time before a real upstream',
      { args: ['--clock=virtual', '--upstream=http://h'] },
      '--clock is "virtual", but --upstream is http://h: only the simulated upstream can live in virtual time. Set upstream to simulated, or clock to real.',
    ],
    [
      'a replica named twice',
      { env: { BATCHWRIGHT_UPSTREAM: 'http://gpu-1:8000,http://gpu-2:8000,http://GPU-1:8000/v1/' } },
      'BATCHWRIGHT_UPSTREAM names http://gpu-1:8000 more than once. Name each replica once; a trailing /v1 is ignored.',
    ],
    [
      'virtual time before several replicas',
      { args: ['--clock=virtual', '--upstream=http://a,http://b'] },
      '--clock is "virtual", but --upstream is http://a,http://b: only the simulated upstream can live in virtual time. Set upstream to simulated, or clock to real.',
    ],
    [
      'a pace for a real upstream',
      { args: ['--simulator-profile=instant', '--upstream=http://h'] },
      '--simulator-profile is "instant", but --upstream is http://h, whose pace is its own. Set upstream to simulated, or unset the profile.',
    ],
    [
      'a key for an upstream that takes none',
      { args: ['--upstream-api-key=k'] },
      '--upstream-api-key is set, but the upstream is simulated and takes no key. Set BATCHWRIGHT_UPSTREAM to the base URL the key belongs to, or unset the key.',
    ],
  ])('%s', (_, given, line) => {
    expect(faults(given)).toEqual([line]);
  });

  it('tells every fault at once', () => {
    expect(faults({ args: ['--port=x', '--host=a b'], env: { BATCHWRIGHT_CLOCK: 'y' } })).toHaveLength(3);
  });

  it('tells of files that cannot be read among the other faults', () => {
    const readFile = (): never => {
      throw Object.assign(new Error('EISDIR: illegal operation on a directory, read'), { code: 'EISDIR' });
    };
    const args = ['--prices', 'p', '--config', 'c', '--markers', 'x'];
    const result = loadConfig({ args, env: {}, cwd: '/home/me', readFile });
    expect(result.type === 'invalid' ? result.lines : []).toEqual([
      'the config file /home/me/c cannot be read (EISDIR). It must be a file that this user may read.',
      '--markers is "x", but must be one of respect, auto, off. Example: respect',
      'the prices file /home/me/p cannot be read (EISDIR). It must be a file that this user may read.',
    ]);
  });

  it('does not take the next flag for a value', () => {
    expect(faults({ args: ['--host', '--port', '1'] })).toEqual(['--host needs a value, as in --host 127.0.0.1.']);
  });

  it('never shows a secret', () => {
    const secret = 'se cret';
    const given = [
      { args: ['--api-key', secret] },
      { env: { BATCHWRIGHT_UPSTREAM_API_KEY: secret } },
      { files: { [FILE]: { api_key: secret } } },
      { files: { [FILE]: `{"api_key": "${secret}"` } },
      { env: { BATCHWRIGHT_DATABASE_URL: `postgres://u:${secret}@h/d` } },
    ];
    for (const one of given) expect(faults(one).join('\n')).not.toContain(secret);
  });

  it('keeps a line a line, whatever the value', () => {
    const [line] = faults({ env: { BATCHWRIGHT_HOST: `a\n${'b'.repeat(500)}` } });
    expect(line).not.toContain('\n');
    expect(line?.length).toBeLessThan(250);
  });
});
