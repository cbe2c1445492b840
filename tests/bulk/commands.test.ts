import { gzipSync } from 'node:zlib';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, openBulkHome, type BulkHome, type Env, type JsonRecord, type TestApi } from './bulk-home.ts';
import { idsOf, requestLine, requestLines } from './bulk-requests.ts';

/** The small commands by the built command line, as a person would type them: against a Batchwright, and against an API that has no extensions. */

let home: BulkHome;
let batchwright: TestApi;
let hosted: TestApi;

beforeAll(async () => {
  home = await openBulkHome();
  [batchwright, hosted] = await Promise.all([home.startBatchwright(), home.startSimulator()]);
});

afterAll(async () => {
  await home.close();
});

const SERVERS = [
  ['a Batchwright', () => batchwright],
  ['another API', () => hosted],
] as const;

const ID = /^msgbatch_\w{20,}$/;

/** Runs a command that must do what it was asked to. */
async function ok(args: readonly string[], env: Env): Promise<string> {
  const { code, out, err } = await home.run(args, { env });
  expect(code, err).toBe(0);
  return out;
}

async function submitted(api: TestApi, lines: string, name = 'prompts.jsonl'): Promise<string> {
  await home.write(name, lines);
  const id = (await ok(['submit', name], api.env)).trim();
  expect(id).toMatch(ID);
  return id;
}

/** A batch that has ended. */
async function finishedBatch(api: TestApi, prefix: string, count = 5): Promise<string> {
  const id = await submitted(api, requestLines(prefix, count));
  await ok(['watch', id], api.env);
  return id;
}

/** A batch in which `wrong` of the ids are refused and the others answered, and what the file is called. */
async function mixedBatch(api: TestApi, ids: readonly string[], wrong: readonly string[]): Promise<string> {
  await api.addFaults(...wrong.map((id) => ({ kind: 'bad_request', match: { text: `Say ${id}.` } })));
  const id = await submitted(api, `${ids.map((each) => requestLine(each)).join('\n')}\n`, 'mixed.jsonl');
  const watched = await home.run(['watch', id], { env: api.env });
  expect(watched.code, watched.err).toBe(1);
  await api.clearFaults();
  return id;
}

describe.each(SERVERS)('against %s', (_, server) => {
  let env: Env;
  let api: TestApi;

  beforeEach(() => {
    api = server();
    ({ env } = api);
  });

  it('submits a file, watches it, and prints its results as the API has them', async () => {
    const id = await finishedBatch(api, 'whole', 30);
    const lines = jsonLines(await ok(['results', id], env));
    expect(lines.map((line) => String(line['custom_id'])).toSorted()).toEqual(idsOf('whole', 30));
    expect(await api.calls()).toSatisfy((calls: ReadonlyMap<string, number>) => calls.get('whole-0000') === 1);
  });

  it('submits what is piped in, whole requests or rows and a template', async () => {
    await home.write('rows.csv', 'text\n"one, two"\nthree\n');
    const line =
      'batchwright submit - --json < whole.jsonl && cat rows.csv | batchwright submit - --input-format csv --model claude-haiku-4-5 --prompt "Classify: {{text}}" --json';
    await home.write('whole.jsonl', requestLines('piped', 3));
    const { code, out, err } = await home.shell(line, env);
    expect(code, err).toBe(0);
    const sizes = jsonLines(out).map(({ request_counts: counts }) => {
      const { processing, succeeded } = counts as { readonly processing: number; readonly succeeded: number };
      return processing + succeeded;
    });
    expect(sizes).toEqual([3, 2]);
  });

  it('writes results whole in every format, and says how many', async () => {
    const id = await finishedBatch(api, 'formats');
    for (const [output, ...more] of [
      ['out.csv'],
      ['out.parquet'],
      ['out.sqlite'],
      ['out.jsonl', '--format', 'flat'],
    ] as const) {
      const { code, out, err } = await home.run(['results', id, '-o', output, ...more], { env });
      expect([code, out, err]).toEqual([0, '', `5 results of ${id} in ${output}.\n`]);
    }
    expect(await ok(['results', id, '-o', 'answers/', '--json'], env)).toBe(
      `${JSON.stringify({ id, output: 'answers/', results: 5 })}\n`,
    );
    expect((await readdir(home.path('answers'))).toSorted()).toEqual(idsOf('formats', 5).map((each) => `${each}.json`));
    expect((await home.read('out.csv')).split('\n')).toHaveLength(7);
    expect(jsonLines(await home.read('out.jsonl'))).toHaveLength(5);
  });

  it('a reader that has seen enough is no failure', async () => {
    const id = await finishedBatch(api, 'head', 40);
    const { code, out, err } = await home.shell(`set -o pipefail; batchwright results ${id} | head -1`, env);
    expect([code, err]).toEqual([0, '']);
    expect(jsonLines(out)).toHaveLength(1);
  });

  it('lists batches newest first, for people and for programs', async () => {
    const [first, second] = [await finishedBatch(api, 'list-a'), await finishedBatch(api, 'list-b', 7)];
    const table = (await ok(['list'], env))
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t'));
    expect(table[0]).toEqual(['ID', 'STATUS', 'SETTLED', 'FAILED', 'AGE', 'EXPIRES']);
    expect(table.slice(1, 3).map((row) => row.slice(0, 4))).toEqual([
      [second, 'ended', '7/7', '0'],
      [first, 'ended', '5/5', '0'],
    ]);
    const one = await home.run(['list', '--limit', '1'], { env });
    expect(one.out.trimEnd().split('\n')).toHaveLength(2);
    expect(one.err).toBe('There are more: --limit or --all.\n');
    const latest = JSON.parse(await ok(['list', '--limit', '1', '--json'], env));
    expect(latest.map((batch: JsonRecord) => batch['id'])).toEqual([second]);
    expect(JSON.parse(await ok(['list', '--all', '--json'], env)).length).toBe((await api.batches()).length);
  });

  it('completes ids from as much as is unique, with the prefix or without', async () => {
    const id = await finishedBatch(api, 'prefix');
    const short = id.slice(0, 22);
    for (const given of [id, short, short.slice('msgbatch_'.length)]) {
      expect(JSON.parse(await ok(['show', given, '--json'], env))).toMatchObject(
        api === batchwright ? { batch: { id } } : { id },
      );
    }
    const several = await home.run(['show', 'msgbatch_'], { env });
    expect([several.code, several.out]).toEqual([1, '']);
    expect(several.err).toMatch(
      /^batchwright: Several batches at .* begin with msgbatch_: msgbatch_\w+, .*Write more of the id\.\n$/,
    );
    const none = await home.run(['show', 'zzzz'], { env });
    expect(none.err).toMatch(
      /^batchwright: No batch at .* begins with zzzz\. `batchwright list` shows those there are\.\n$/,
    );
  });

  it('shows a batch with its counts and times', async () => {
    const id = await finishedBatch(api, 'show');
    const fields = new Map(
      (await ok(['show', id], env))
        .trimEnd()
        .split('\n')
        .map((row) => row.split('\t') as [string, string]),
    );
    expect(fields.get('id')).toBe(id);
    expect(fields.get('requests')).toBe('5 requests: 5 succeeded');
    expect(fields.get('ended')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ, [\d.]+ s ago$/);
    expect(fields.has('cost')).toBe(api === batchwright);
  });

  it('watches several at once, a line for each change, and leaves with 1 when a request failed', async () => {
    const whole = await finishedBatch(api, 'watch-a');
    const mixed = await mixedBatch(api, idsOf('watch-b', 4), ['watch-b-0001']);
    const { code, out, err } = await home.run(['watch', whole, mixed, whole], { env });
    expect([code, err]).toEqual([1, '']);
    expect(out.trimEnd().split('\n').toSorted()).toEqual(
      [`${whole} ended: 5 requests: 5 succeeded`, `${mixed} ended: 4 requests: 3 succeeded, 1 errored`].toSorted(),
    );
    const [event] = jsonLines((await home.run(['watch', mixed, '--json'], { env })).out);
    expect(event).toMatchObject({ type: 'ended', id: mixed, settled: 4, failed: 1, request_counts: { errored: 1 } });
  });

  it('runs what failed again: those requests and no others, as a new batch', async () => {
    const ids = idsOf('rerun', 6);
    const wrong = ['rerun-0001', 'rerun-0004'];
    const id = await mixedBatch(api, ids, wrong);
    const input = api === batchwright ? [] : ['--input', 'mixed.jsonl'];
    const { code, out, err } = await home.run(['rerun', id, ...input], { env });
    expect([code, err]).toEqual([0, `2 requests of ${id} again.\n`]);
    const again = out.trim();
    await ok(['watch', again], env);
    const results = jsonLines(await ok(['results', again], env));
    expect(results.map((line) => String(line['custom_id'])).toSorted()).toEqual(wrong);
    expect(results.map(({ result }) => (result as { readonly type: string }).type)).toEqual(
      wrong.map(() => 'succeeded'),
    );
  });

  it('reruns from a file too, by type of error, and says when it is another file', async () => {
    const id = await mixedBatch(api, idsOf('file', 4), ['file-0002']);
    const none = await home.run(['rerun', id, '--input', 'mixed.jsonl', '--error-types', 'rate_limit_error'], { env });
    expect([none.code, none.out]).toEqual([1, '']);
    expect(none.err).toBe(
      `batchwright: no request of ${id} errored or expired or canceled with rate_limit_error, so there is nothing to run again.\n`,
    );
    await home.write('other.jsonl', requestLines('other', 2));
    const other = await home.run(['rerun', id, '--input', 'other.jsonl'], { env });
    expect([other.code, other.err]).toEqual([
      1,
      `batchwright: other.jsonl lacks 1 request that failed, such as file-0002. Name the file ${id} was made of.\n`,
    ]);
    expect((await ok(['rerun', id, '--input', 'mixed.jsonl', '--types', 'errored'], env)).trim()).toMatch(ID);
    const wrong = await home.run(['rerun', id, '--types', 'failed'], { env });
    expect([wrong.code, wrong.err]).toEqual([
      2,
      'batchwright: --types is "failed", but must be of errored, expired, canceled, separated by commas.\n',
    ]);
  });

  it('deletes batches that have ended, and goes on after one that cannot be', async () => {
    const id = await finishedBatch(api, 'delete');
    const { code, err } = await home.run(['delete', 'zzzz', id], { env });
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^batchwright: No batch at .* begins with zzzz.*\\n${id} is deleted\\.\\n$`));
    const gone = await home.run(['show', id], { env });
    expect([gone.code, gone.out]).toEqual([1, '']);
    expect(gone.err).toMatch(/^batchwright: .*404 not_found_error/);
  });
});

describe('a batch that has not ended', () => {
  let slow: TestApi;

  beforeAll(async () => {
    slow = await home.startSimulator('--batch-latency', '3600000');
  });

  it('has no results yet, cannot be deleted or rerun, and can be canceled', async () => {
    const { env } = slow;
    const id = await submitted(slow, requestLines('slow', 3));
    const refusals = [
      [['results', id], `${id} has not ended (0 of 3 requests settled). Wait for it with batchwright watch ${id}.`],
      [
        ['results', id, '--partial'],
        `${slow.url} tells no results before a batch has ended. Wait for it with batchwright watch ${id}, and leave --partial out.`,
      ],
      [
        ['rerun', id, '--input', 'prompts.jsonl'],
        `${id} has not ended (in_progress), so that what failed is not known. Wait for it with batchwright watch ${id}.`,
      ],
      [
        ['delete', id],
        `${id} has not ended (in_progress), and only a batch that has can be deleted. batchwright cancel ${id} ends it sooner, batchwright watch ${id} waits for that.`,
      ],
    ] as const;
    for (const [args, line] of refusals) {
      expect(await home.run(args, { env })).toEqual({ code: 1, out: '', err: `batchwright: ${line}\n` });
    }
    const canceled = await home.run(['cancel', id], { env });
    expect([canceled.code, canceled.out]).toEqual([0, '']);
    expect(canceled.err).toMatch(new RegExp(`^${id} (is being canceled|has ended); 3 requests: `));
    const watched = await home.run(['watch', id], { env });
    expect(watched.code).toBe(1);
    expect(watched.out).toContain(`${id} ended: 3 requests: 3 canceled`);
  });

  it('tells a Batchwright’s results so far with --partial', async () => {
    const hung = await home.startBatchwright();
    await hung.addFaults({ kind: 'stall', match: { text: 'Say part-0002.' } });
    const id = await submitted(hung, requestLines('part', 3));
    const settled = async (): Promise<number> => {
      const [batch] = await hung.batches();
      return batch?.request_counts.succeeded ?? 0;
    };
    await expect.poll(settled, { timeout: 20_000 }).toBe(2);
    const lines = jsonLines(await ok(['results', id, '--partial'], hung.env));
    expect(lines.map((line) => line['custom_id']).toSorted()).toEqual(['part-0000', 'part-0001']);
    const early = await home.run(['results', id], { env: hung.env });
    expect(early.err).toContain('or print what there is with --partial.');
    expect(JSON.parse(await ok(['show', id, '--json'], hung.env))).toMatchObject({
      type: 'batch_details',
      progress: { settled: 2 },
    });
  });
});

describe('what one batch cannot hold', () => {
  it('is refused before anything is sent, and pointed to run', async () => {
    const before = (await hosted.batches()).length;
    await home.write('many.jsonl', requestLines('many', 100_001));
    const { code, out, err } = await home.run(['submit', 'many.jsonl'], { env: hosted.env });
    expect([code, out, err]).toEqual([
      2,
      '',
      'batchwright: many.jsonl holds more than 100,000 requests, the most that one batch may. batchwright run sends them as several.\n',
    ]);
    expect((await hosted.batches()).length).toBe(before);
  });
});

describe('wrong use and a world that fails', () => {
  const nobody = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:59', ANTHROPIC_API_KEY: 'k' };

  it.each([
    [
      ['list'],
      {},
      2,
      /there is no server to ask: neither ANTHROPIC_BASE_URL nor ANTHROPIC_API_KEY is set\. Set them, or name a server with --server/,
    ],
    [['list', '--server', 'simulated'], {}, 2, /the simulated server lasts no longer than a run/],
    [['list', '--server', 'localhost'], {}, 2, /--server is "localhost", but must be an http\(s\) URL/],
    [
      ['list', '--limit', 'all'],
      nobody,
      2,
      /--limit is "all", but must be a whole number from 1\. For all there are: --all\./,
    ],
    [['show', 'x'], nobody, 1, /http:\/\/127\.0\.0\.1:59/],
    [['estimate', 'none.jsonl'], {}, 2, /none\.jsonl: there is no such file/],
    [
      ['doctor', 'none.jsonl', '--markers', 'maybe'],
      {},
      2,
      /--markers is "maybe", but must be one of auto, respect, off\./,
    ],
    [['completion', 'powershell'], {}, 2, /Allowed choices are bash, zsh, fish/],
    [['watch'], nobody, 2, /missing required argument 'ids'/],
  ])('%j leaves with one line and the right code', async (args, env, code, line) => {
    const failed = await home.run(args, { env });
    expect([failed.code, failed.out], failed.err).toEqual([code, '']);
    expect(failed.err).toMatch(line);
    expect(failed.err).toMatch(/^batchwright: /);
  });

  it('a wrong key, a wrong format and a broken file are named, each before anything is sent', async () => {
    const key = await home.run(['list'], { env: { ...batchwright.env, ANTHROPIC_API_KEY: 'wrong' } });
    expect([key.code, key.out]).toEqual([1, '']);
    expect(key.err).toMatch(/^batchwright: .*401 authentication_error.*ANTHROPIC_API_KEY\.\n$/);
    const id = await finishedBatch(hosted, 'wrong');
    const format = await home.run(['results', id, '-o', 'x.txt'], { env: hosted.env });
    expect([format.code, format.err.split('. ')[0]]).toEqual([2, 'batchwright: x.txt does not say its format']);
    const before = (await hosted.batches()).length;
    await home.write('broken.jsonl', `${requestLine('a')}\n${requestLine('b').slice(0, -9)}\n${requestLine('a')}\n`);
    const broken = await home.run(['submit', 'broken.jsonl'], { env: hosted.env });
    expect([broken.code, broken.out]).toEqual([2, '']);
    const lines = broken.err.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^batchwright: broken\.jsonl line 2: Not valid JSON/);
    expect(lines[1]).toMatch(/^batchwright: broken\.jsonl line 3: .*request 1 has it too/);
    expect((await hosted.batches()).length).toBe(before);
  });
});

describe('estimate and doctor', () => {
  const system = `Rules. ${'Be brief, be kind and be right. '.repeat(700)}`;
  const lines = (count: number, more: (i: number) => object): string =>
    `${Array.from({ length: count }, (_, i) => requestLine(`e-${i}`, `Question ${i * 7919}?`, { model: 'claude-sonnet-4-5', ...more(i) })).join('\n')}\n`;

  it('reckons without server and key: the costs of the plan and of other ways, waves, prefixes', async () => {
    await home.write(
      'clean.jsonl',
      lines(40, () => ({ system })),
    );
    const text = await ok(['estimate', 'clean.jsonl'], {});
    expect(text).toMatch(/^40 requests: about \$\d\.\d{4}, from \$\d\.\d{4} to \$\d\.\d{4}\.\n/);
    for (const part of [
      'nothing cached',
      'markers, all at once',
      'a warm-up call each',
      'Waves',
      'Prefixes that save most',
    ]) {
      expect(text).toContain(part);
    }
    const json = JSON.parse(await ok(['estimate', 'clean.jsonl', '--json'], {}));
    expect(json).toMatchObject({
      type: 'run_estimate',
      requests: 40,
      plan: { prefixes: 1, requests_sharing: 40 },
      warnings: [],
    });
    expect(json.waves.map((wave: JsonRecord) => [wave['requests'], wave['leaders'], wave['batches']])).toEqual([
      [1, 1, 1],
      [39, 0, 1],
    ]);
    expect(Number(json.cost_usd.expected)).toBeLessThan(Number(json.against.no_caching.cost_usd.expected) / 2);
  });

  it('what is estimated is what a run against native batches reports', async () => {
    await home.write(
      'clean.jsonl',
      lines(12, () => ({ system, max_tokens: 1 })),
    );
    const estimate = JSON.parse(await ok(['estimate', 'clean.jsonl', '--json'], {}));
    const run = await home.run(['run', 'clean.jsonl', '-o', 'ran.jsonl', '--json'], { env: hosted.env });
    const report = jsonLines(run.out).find(({ type }) => type === 'report');
    expect(run.code, run.err).toBe(0);
    expect(Number(report?.['cost_usd']) / Number(estimate.cost_usd.expected)).toBeCloseTo(1, 1);
  });

  it('takes rows and a template, gzip and a pipe', async () => {
    await home.write('rows.csv.gz', gzipSync('text\none\ntwo\n'));
    const args = '--input-format csv --model claude-haiku-4-5 --prompt "Classify: {{text}}" --json';
    const { out, err } = await home.shell(
      `cat rows.csv.gz | batchwright estimate - ${args}; batchwright estimate rows.csv.gz ${args}`,
    );
    expect(
      jsonLines(out).map(({ requests }) => requests),
      err,
    ).toEqual([2, 2]);
  });

  it('leaves with 0 when there is nothing to find, and with 1 and the first differing byte when there is', async () => {
    await home.write(
      'clean.jsonl',
      lines(40, () => ({ system })),
    );
    expect(await home.run(['doctor', 'clean.jsonl'])).toEqual({
      code: 0,
      out: '40 requests: nothing keeps their prompts from being cached.\n',
      err: '',
    });
    await home.write(
      'dated.jsonl',
      lines(40, (i) => ({ system: `It is 2026-11-21T10:00:${10 + i}Z. ${system}` })),
    );
    const { code, out, err } = await home.run(['doctor', 'dated.jsonl']);
    expect([code, err]).toEqual([1, '']);
    expect(out).toMatch(
      /1\. about \$0\.\d+ lost\n {2}About 40 requests are nearly the same up to a time in system, at byte 23:/,
    );
    expect(out).toMatch(/\n {2}e-\d+ +.*It is 2026-11-21T10:00:\[?1?\[/);
    const piped = await home.shell('cat dated.jsonl | batchwright doctor - --json');
    expect(piped.code, piped.err).toBe(1);
    expect(JSON.parse(piped.out)).toMatchObject({
      type: 'examination',
      requests: 40,
      findings: [{ code: 'varying_value', difference: { path: 'system', offset: 23, looks_like: 'a time' } }],
    });
  });
});

describe('completion', () => {
  it('completes commands, options, choices and nested commands in a real bash', async () => {
    const complete = (words: string): string =>
      `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _batchwright; echo "\${COMPREPLY[*]}"`;
    const { code, out, err } = await home.shell(
      [
        'source <(batchwright completion bash)',
        'complete -p batchwright',
        complete("batchwright 're'"),
        complete('batchwright results --part'),
        complete('batchwright keys cr'),
        complete('batchwright keys create --ex'),
        complete("batchwright completion ''"),
        complete('batchwright serve --upstream-a'),
        complete('batchwright results -o out'),
        complete('batchwright submit prom'),
      ].join('\n'),
    );
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n')).toEqual([
      'complete -o default -F _batchwright batchwright',
      'results rerun',
      '--partial',
      'create',
      '--expires',
      'bash zsh fish -h --help',
      '--upstream-api-key',
      '',
      '',
      '',
    ]);
  });
});
