import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../crash/server-process.ts';
import { canMount, mountSmallDisk } from '../crash/small-disk.ts';
import { startProxy, type ProxiedRequest, type ProxyStep } from '../harness/proxy.ts';
import { finished, jsonLines, openBulkHome, type BulkHome, type TestApi } from './bulk-home.ts';
import { idsOf, MODEL, requestLine, requestLines } from './bulk-requests.ts';

/** `batchwright run` by the built command line, as a person would type it. */

let home: BulkHome;

beforeEach(async () => {
  home = await openBulkHome();
});

afterEach(async () => {
  await home.close();
});

const UNREACHABLE =
  'batchwright: Connecting to http://127.0.0.1:4999 failed: nothing answers at http://127.0.0.1:4999. Start the server, as `batchwright serve` does, or set ANTHROPIC_BASE_URL to where it is.\n';

const SIMULATED =
  'No server and no key: answers come from the simulated model, on this machine. Set ANTHROPIC_API_KEY, or name a server with --server, for real ones.';

/** Every custom_id once, each with an answer. */
async function expectAnswers(name: string, ids: readonly string[]): Promise<void> {
  const answers = await home.results(name);
  expect(answers.map((answer) => answer.custom_id).toSorted()).toEqual([...ids].toSorted());
  expect(answers.filter((answer) => answer.result.type !== 'succeeded')).toEqual([]);
}

describe('with neither server nor key', () => {
  it('answers from the simulated model, says so, and leaves nothing but the answers and a journal', async () => {
    await home.write('prompts.jsonl', requestLines('r', 250));
    const { code, out, err } = await home.run(['run', 'prompts.jsonl', '-o', 'answers.jsonl']);
    expect([code, out], err).toEqual([0, '']);
    expect(err.split('\n')[0]).toBe(SIMULATED);
    expect(err).toContain('All 250 requests succeeded.');
    expect(err.trimEnd().split('\n').at(-1)).toBe('Answers: answers.jsonl');
    await expectAnswers('answers.jsonl', idsOf('r', 250));
    expect((await readdir(home.directory)).toSorted()).toEqual(['answers.jsonl', 'answers.jsonl.run', 'prompts.jsonl']);
    expect(await readdir(home.path('answers.jsonl.run'))).toEqual(['journal.jsonl']);
  });

  it('does nothing when the run is finished, and begins anew with --restart', async () => {
    await home.write('prompts.jsonl', requestLines('r', 3));
    const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--quiet'];
    expect((await home.run(command)).err).toBe('');
    await home.write('answers.jsonl', 'kept');
    const again = await home.run(['run', 'prompts.jsonl', '-o', 'answers.jsonl']);
    expect(again.code).toBe(0);
    expect(again.err).toMatch(
      /^Already finished at \S+Z; the answers are in answers\.jsonl\. --restart runs it again\.\n$/,
    );
    expect(await home.read('answers.jsonl')).toBe('kept');
    expect((await home.run([...command, '--restart'])).code).toBe(0);
    await expectAnswers('answers.jsonl', idsOf('r', 3));
  });

  it('takes what is piped in, and pipes answers out in the order of the input', async () => {
    await home.write('prompts.jsonl', requestLines('r', 40));
    const line =
      'cat prompts.jsonl | batchwright run - -o - --run-dir kept --order input --quiet | cat > answers.jsonl';
    const { code, err } = await home.shell(line);
    expect([code, err]).toEqual([0, '']);
    expect((await home.results('answers.jsonl')).map((answer) => answer.custom_id)).toEqual(idsOf('r', 40));
  });

  it.each([
    ['flat', 'answers.jsonl'],
    ['csv', 'answers.csv'],
    ['tsv', 'answers.tsv'],
    ['parquet', 'answers.parquet'],
    ['sqlite', 'answers.sqlite'],
    ['dir', 'answers'],
  ])('makes requests of rows and writes %s', async (format, output) => {
    await home.write('rows.csv', 'text,label\n"good, very",1\nbad,2\n');
    const template = ['--model', MODEL, '--prompt', 'Classify: {{text}}', '--id-column', 'label'];
    const { code, err } = await home.run(['run', 'rows.csv', '-o', output, '--format', format, ...template]);
    expect(code, err).toBe(0);
    expect(await answeredIds(format, output)).toEqual(['1', '2']);
  });

  /** Formats that only a library can read are read back by those who write them; here it is enough that they are there. */
  async function answeredIds(format: string, output: string): Promise<readonly string[]> {
    switch (format) {
      case 'dir':
        return (await readdir(home.path(output))).map((file) => file.replace('.json', '')).toSorted();
      case 'flat':
        return (await home.results(output)).map((answer) => answer.custom_id).toSorted();
      case 'csv':
      case 'tsv': {
        const [, ...rows] = (await home.read(output)).trim().split(/\r?\n(?=[12][,\t])/);
        return rows.map((row) => row.split(/[,\t]/)[0] ?? '').toSorted();
      }
      default: {
        const bytes: Buffer[] = [];
        for await (const piece of createReadStream(home.path(output))) bytes.push(piece as Buffer);
        const start = Buffer.concat(bytes).subarray(0, 15).toString('latin1');
        return start.startsWith('PAR1') || start.startsWith('SQLite format 3') ? ['1', '2'] : [];
      }
    }
  }

  it('escapes what a spreadsheet would compute, of tables and when that is asked for', async () => {
    await home.write('in.jsonl', requestLine('-r'));
    const command = ['run', 'in.jsonl', '--escape-formulas', '--quiet', '-o'];
    expect((await home.run([...command, 'out.csv'])).code).toBe(0);
    expect((await home.read('out.csv')).split('\r\n')[1]).toMatch(/^'-r,succeeded,/);
    const lines = await home.run([...command, 'out.jsonl']);
    expect([lines.code, lines.err]).toEqual([2, expect.stringMatching(/^batchwright: --escape-formulas is about csv/)]);
  });

  it('prints events for machines, and a report at the end', async () => {
    await home.write('prompts.jsonl', requestLines('r', 30));
    const { code, out, err } = await home.run(['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--json']);
    expect([code, err]).toEqual([0, `${SIMULATED}\n`]);
    const events = jsonLines(out);
    expect(events[0]).toEqual({
      type: 'started',
      input: 'prompts.jsonl',
      output: 'answers.jsonl',
      run_dir: 'answers.jsonl.run',
      server: expect.stringMatching(/^Batchwright at http:\/\/127\.0\.0\.1:\d+$/),
      is_simulated: true,
    });
    expect(events.filter(({ type }) => type === 'progress').length).toBeGreaterThan(0);
    const page = await readFile(new URL('../../docs/reference/run-events.md', import.meta.url), 'utf8');
    const keys = new Set(events.flatMap((event) => Object.keys(event)));
    expect([...keys].filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
    expect(events.at(-2)).toMatchObject({ type: 'report', requests: 30, counts: { succeeded: 30, errored: 0 } });
    expect(events.at(-1)).toEqual({
      type: 'ended',
      outcome: 'finished',
      exit_code: 0,
      message: 'Answers: answers.jsonl',
    });
  });
});

describe.each(['Batchwright', 'native batches'])('against %s', (kind) => {
  let api: TestApi;
  const start = (...options: readonly string[]): Promise<TestApi> =>
    kind === 'Batchwright' ? home.startBatchwright(...options) : home.startSimulator(...options);

  it('cuts a run into batches, asks each request once, and says what it cost', async () => {
    api = await start();
    await home.write('prompts.jsonl', requestLines('r', 120));
    const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--batch-requests', '50'];
    const { code, err } = await home.run(command, { env: api.env });
    expect(code, err).toBe(0);
    await expectAnswers('answers.jsonl', idsOf('r', 120));
    const sizes = (await api.batches()).map(({ request_counts: counts }) => counts.succeeded).toSorted((a, b) => a - b);
    expect(sizes).toEqual([20, 50, 50]);
    expect([...(await api.calls()).values()].every((count) => count === 1)).toBe(true);
    expect(err).toMatch(/batch 1 sent: msgbatch_\w+, 50 requests\n/);
    expect(err).toMatch(/batch 3 over: (20 of 20|50 of 50) answered\n/);
    expect(err).toContain('Tokens and cost');
  });

  it('tells what failed and leaves with 1', async () => {
    api = await start();
    const lines = [...idsOf('r', 4).map((id) => requestLine(id)), requestLine('wrong', 'x', { max_tokens: -1 })];
    await home.write('prompts.jsonl', lines.join('\n'));
    const { code, err } = await home.run(['run', 'prompts.jsonl', '-o', 'answers.jsonl'], { env: api.env });
    expect(code, err).toBe(1);
    expect(err).toContain('4 of 5 requests succeeded.');
    expect(err).toContain('invalid_request_error');
    expect(err).toContain('as wrong');
    expect((await home.results('answers.jsonl')).length).toBe(5);
  });

  it('stops before a cap would be exceeded, with nothing paid, and goes on when it is raised', async () => {
    api = await start();
    await home.write('prompts.jsonl', requestLines('r', 40));
    const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl'];
    const stopped = await home.run([...command, '--max-cost', '0.000001'], { env: api.env });
    expect(stopped.code).toBe(4);
    expect(stopped.err).toMatch(
      /batchwright: stopped by --max-cost \$0\.0000010: nothing was spent, and what comes next is expected to cost \$0\.\d+\. 0 of 40 requests are settled, and kept in answers\.jsonl\.run\. The same command with a higher --max-cost, or one with smaller batches \(--batch-requests\), goes on\.\n$/,
    );
    expect(await api.batches()).toEqual([]);
    expect((await home.run([...command, '--max-cost', '1'], { env: api.env })).code).toBe(0);
    await expectAnswers('answers.jsonl', idsOf('r', 40));
  });

  it('sends nothing twice when the answer to a create is lost', async () => {
    api = await start();
    let isLost = false;
    const proxy = await startProxy({
      target: api.url,
      plan: ({ method, path }) => {
        if (method !== 'POST' || path !== '/v1/messages/batches' || isLost) return { type: 'pass' };
        isLost = true;
        return { type: 'drop_response' };
      },
    });
    await home.write('prompts.jsonl', requestLines('r', 30));
    const env = { ...api.env, ANTHROPIC_BASE_URL: proxy.url };
    const { code, err } = await home.run(['run', 'prompts.jsonl', '-o', 'answers.jsonl'], { env });
    expect(code, err).toBe(0);
    expect(isLost).toBe(true);
    await expectAnswers('answers.jsonl', idsOf('r', 30));
    expect((await api.batches()).length).toBe(1);
    await proxy.close();
  });
});

describe('against native batches that are in trouble', () => {
  it('waits and tries again: creates that are refused for now, items that fail for a while', async () => {
    const api = await home.startSimulator();
    const creates = { path: '/v1/messages/batches' };
    await api.addFaults(
      { kind: 'rate_limited', match: { ...creates, nth: 1 }, retry_after: 0 },
      { kind: 'overloaded', match: { ...creates, nth: 2 }, retry_after: 0 },
      { kind: 'api_error', match: { ...creates, nth: 3 } },
      { kind: 'reset', match: { ...creates, nth: 6 } },
      { kind: 'overloaded', match: { custom_id: 'r-0001' }, times: 1 },
      { kind: 'api_error', match: { custom_id: 'r-0002' }, times: 2 },
    );
    await home.write('prompts.jsonl', requestLines('r', 20));
    const { code, err } = await home.run(['run', 'prompts.jsonl', '-o', 'answers.jsonl'], { env: api.env });
    expect(code, err).toBe(0);
    await expectAnswers('answers.jsonl', idsOf('r', 20));
    const calls = await api.calls();
    expect(idsOf('r', 20).filter((id) => calls.get(id) !== 1)).toEqual([]);
    expect(err).toContain('2 requests tried again');
  });
});

describe('left before its end', () => {
  /** Batches that take their time, as those of the hosted API do. */
  const slow = (latencyMs: number): Promise<TestApi> => home.startSimulator('--batch-latency', String(latencyMs));

  const allOver = (api: TestApi): Promise<void> =>
    until('all batches are over', async () =>
      (await api.batches()).every(({ processing_status: status }) => status === 'ended'),
    );

  const LEFT =
    /Left with 0 of 20 requests settled; all of it is kept in answers\.jsonl\.run\. 2 batches go on by themselves: http:\/\/127\.0\.0\.1:\d+\.\nThe same command takes it up where it is\.\n$/;

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s, says what goes on, and is taken up by the same command',
    async (signal) => {
      const api = await slow(3000);
      await home.write('prompts.jsonl', requestLines('r', 20));
      const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--batch-requests', '10'];
      const first = home.start(command, api.env);
      await said(first, /batch 2 sent/);
      const atMs = performance.now();
      first.kill(signal);
      const left = await finished(first);
      expect([left.code, left.out]).toEqual([3, '']);
      expect(performance.now() - atMs).toBeLessThan(3000);
      expect(left.err).toMatch(LEFT);
      await allOver(api);
      const second = await home.run(command, { env: api.env });
      expect(second.code, second.err).toBe(0);
      await expectAnswers('answers.jsonl', idsOf('r', 20));
      expect((await api.batches()).length).toBe(2);
    },
  );

  it('by --detach, once everything is sent', async () => {
    const api = await slow(3000);
    await home.write('prompts.jsonl', requestLines('r', 20));
    const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--batch-requests', '10'];
    const left = await home.run([...command, '--detach'], { env: api.env });
    expect(left.code).toBe(3);
    expect(left.err).toMatch(LEFT);
    await allOver(api);
    expect((await home.run(command, { env: api.env })).code).toBe(0);
    await expectAnswers('answers.jsonl', idsOf('r', 20));
    expect((await api.batches()).length).toBe(2);
  });

  it('by a signal that cancels, keeps what was answered', async () => {
    const api = await slow(60_000);
    await home.write('prompts.jsonl', requestLines('r', 20));
    const command = home.start(['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--cancel-on-interrupt'], api.env);
    await said(command, /batch 1 sent/);
    command.kill('SIGINT');
    await said(command, /Canceling what is under way/);
    const { code, err } = await finished(command);
    expect(code, err).toBe(1);
    expect(err).toContain('canceled');
    const answers = await home.results('answers.jsonl');
    expect(answers.map((answer) => answer.result.type)).toEqual(Array.from({ length: 20 }, () => 'canceled'));
  });

  it('at once by a second signal, whatever it waits for', async () => {
    const api = await slow(60_000);
    await home.write('prompts.jsonl', requestLines('r', 20));
    const command = home.start(['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--cancel-on-interrupt'], api.env);
    await said(command, /batch 1 sent/);
    command.kill('SIGINT');
    await said(command, /once more to leave at once/);
    // Two signals within a quarter of a second are one keystroke that came by two ways.
    const firstAtMs = performance.now();
    await until('the second signal is one of its own', () => performance.now() - firstAtMs > 300);
    command.kill('SIGINT');
    expect((await finished(command)).code).toBe(3);
  });

  it('is not begun twice, nor forgotten while batches are under way', async () => {
    const api = await slow(60_000);
    await home.write('prompts.jsonl', requestLines('r', 20));
    await home.write('others.jsonl', requestLines('o', 20));
    const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl'];
    const first = home.start(command, api.env);
    await said(first, /batch 1 sent/);
    const second = await home.run(command, { env: api.env });
    expect(second.code).toBe(1);
    expect(second.err).toMatch(
      /^batchwright: the run in \S+ is in use by process \d+, running since \S+; wait until it is done, or stop it\n$/,
    );
    first.kill('SIGINT');
    await finished(first);

    const other = await home.run(['run', 'others.jsonl', '-o', 'answers.jsonl'], { env: api.env });
    expect([other.code, other.err]).toEqual([
      2,
      expect.stringMatching(
        /^batchwright: answers\.jsonl\.run holds another run, which is not finished: this one differs in .*add --restart to begin anew in its place\.\n$/,
      ),
    ]);

    const refused = await home.run([...command, '--restart'], { env: api.env });
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringMatching(
        /^batchwright: 1 batch of the run in answers\.jsonl\.run is still under way at http:\S+\. Leave --restart out to go on with it, or add --cancel-old to cancel them\.\n$/,
      ),
    ]);

    const anew = home.start([...command, '--restart', '--cancel-old'], api.env);
    await said(anew, /batch 1 sent/);
    anew.kill('SIGINT');
    expect((await finished(anew)).err).toMatch(/^Canceled 1 batch of the run before: msgbatch_\w+\.\n/);
    expect((await api.batches()).map(({ cancel_initiated_at: at }) => at === null)).toEqual([true, false]);
  });
});

/** Resolves once the command has said it on standard error. */
async function said(command: { err(): string; readonly ended: Promise<unknown> }, pattern: RegExp): Promise<void> {
  let isOver = false;
  void command.ended.then(() => (isOver = true));
  while (!pattern.test(command.err())) {
    if (isOver) throw new Error(`ended without saying ${pattern}:\n${command.err()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('asked wrongly, or not possible', () => {
  /** Nothing was begun: no run is kept, and there is no output. */
  async function expectNothing(): Promise<void> {
    const left = (await readdir(home.directory)).filter((name) => name.startsWith('out'));
    expect(left).toEqual([]);
  }

  it.each<[string, string, readonly string[], string]>([
    [
      'a file that is not there',
      '',
      ['missing.jsonl'],
      'missing.jsonl: there is no such file. Paths are taken from HERE.',
    ],
    [
      'half a line',
      `${requestLine('a')}\n{"custom_id": "b", "par`,
      ['in.jsonl'],
      'in.jsonl line 2: Not valid JSON: the line ends at byte 23, before its JSON does. A request is {"custom_id":…,"params":{…}}.',
    ],
    [
      'the same custom_id twice',
      `${requestLine('a')}\n${requestLine('b')}\n${requestLine('a')}\n`,
      ['in.jsonl'],
      "in.jsonl line 3: custom_id's must be unique within a batch. Duplicate custom_id found: a; request 1 has it too. Give every request an id of its own.",
    ],
    [
      'a custom_id that is none',
      requestLine('a b'),
      ['in.jsonl'],
      `in.jsonl line 1: custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'; it is "a b". Use letters, digits, "_" and "-".`,
    ],
    [
      'a column there is not',
      '{"text":"x"}\n',
      ['in.jsonl', '--model', MODEL, '--prompt', '{{txet}}'],
      'in.jsonl line 1 has no column "txet", which --prompt names. Did you mean "text"? Its only column is "text".',
    ],
    [
      'rows without a template',
      '{"text":"x"}\n',
      ['in.jsonl'],
      "Requests are made of the rows of in.jsonl by a template, of which --model and --prompt are missing. For example: --model claude-haiku-5-5 --prompt 'Classify: {{text}}'",
    ],
    [
      'nothing at all',
      '\n',
      ['in.jsonl'],
      'in.jsonl holds no requests. Put one on each line: {"custom_id":…,"params":{…}}.',
    ],
    [
      'an unknown option',
      requestLine('a'),
      ['in.jsonl', '--wave', 'x'],
      "unknown option '--wave'\n(Did you mean --waves?)\n(--help tells more)",
    ],
    [
      'an impossible one',
      requestLine('a'),
      ['in.jsonl', '--attempts', 'x'],
      '--attempts is "x", but must be a whole number from 1 to 100.',
    ],
  ])('%s', async (_, content, args, line) => {
    await home.write('in.jsonl', content);
    const { code, out, err } = await home.run(['run', ...args, '-o', 'out.jsonl']);
    expect([code, out]).toEqual([2, '']);
    const told = err.replace(`${SIMULATED}\n`, '').replace(/^reading.*\n/gm, '');
    expect(told).toBe(`batchwright: ${line.replace('HERE', home.directory)}\n`);
    await expectNothing();
  });

  it('prices that are none, and a cap that others exceed', async () => {
    await home.write('in.jsonl', requestLines('r', 2));
    const command = ['run', 'in.jsonl', '-o', 'out.jsonl', '--prices', 'prices.json', '--max-cost', '0.01'];
    await home.write('prices.json', `{"${MODEL}": {"input": "much"}}`);
    const wrong = await home.run(command);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringMatching(/^batchwright: "input" of "claude-haiku-4-5" in \S+ is "much", but must be dollars .*\n$/),
    ]);
    await expectNothing();
    await home.write('prices.json', `{"${MODEL}": {"input": 1000, "output": 100000}}`);
    expect((await home.run(command)).code).toBe(4);
  });

  it.each([
    ['out', /^batchwright: out does not say its format.*\n$/],
    ['nowhere/out.jsonl', /^batchwright: nowhere does not exist, so nowhere\/out\.jsonl cannot be written.*\n$/],
  ])('an output that cannot be: %s', async (output, line) => {
    await home.write('in.jsonl', requestLine('a'));
    const { code, err } = await home.run(['run', 'in.jsonl', '-o', output]);
    expect([code, err]).toEqual([2, expect.stringMatching(line)]);
    await expectNothing();
  });

  it('an output that is the input, which stays as it is', async () => {
    await home.write('in.csv', 'text\nx\n');
    const template = ['--model', MODEL, '--prompt', '{{text}}'];
    const { code, err } = await home.run(['run', 'in.csv', '-o', './in.csv', ...template]);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/^batchwright: in\.csv and \.\/in\.csv are one file: .*\n$/),
    ]);
    expect(await home.read('in.csv')).toBe('text\nx\n');
    await home.write('doc.md', 'About things.\n');
    const asked = await home.run(['ask', 'doc.md', '-q', 'What?', '-o', 'doc.md', '--format', 'jsonl']);
    expect([asked.code, asked.err]).toEqual([2, expect.stringMatching(/^batchwright: doc\.md is what is read/)]);
    expect((await readdir(home.directory)).toSorted()).toEqual(['doc.md', 'in.csv']);
  });

  it.runIf(process.platform === 'linux')('a place that only looks like a directory', async () => {
    await home.write('in.jsonl', requestLine('a'));
    for (const args of [
      ['-o', '/proc/out.jsonl'],
      ['-o', 'out.jsonl', '--run-dir', '/proc/out.run'],
    ]) {
      const { code, err } = await home.run(['run', 'in.jsonl', ...args]);
      expect([code, err]).toEqual([2, expect.stringMatching(/^batchwright: nothing can be made in \/proc .*\n$/)]);
    }
  });

  it('a server that is not there', async () => {
    await home.write('in.jsonl', requestLine('a'));
    const env = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:4999', ANTHROPIC_API_KEY: 'k' };
    const { code, err } = await home.run(['run', 'in.jsonl', '-o', 'out.jsonl'], { env });
    expect([code, err]).toEqual([1, UNREACHABLE]);
    const named = await home.run(['run', 'in.jsonl', '-o', 'out.jsonl', '--server', 'http://127.0.0.1:4999'], { env });
    expect([named.code, named.err]).toEqual([1, UNREACHABLE.replace('ANTHROPIC_BASE_URL', '--server')]);
    await expectNothing();
  });

  it('a key that is none, which is never shown', async () => {
    const api = await home.startBatchwright();
    await home.write('in.jsonl', requestLine('a'));
    const env = { ...api.env, ANTHROPIC_API_KEY: 'sk-wrong-and-secret' };
    const { code, err } = await home.run(['run', 'in.jsonl', '-o', 'out.jsonl'], { env });
    expect([code, err]).toEqual([1, expect.stringMatching(/^batchwright: .*401.*ANTHROPIC_API_KEY.*\n$/)]);
    expect(err).not.toContain('secret');
  });

  it('no key for a server that wants one', async () => {
    const api = await home.startBatchwright();
    await home.write('in.jsonl', requestLine('a'));
    const env = { ANTHROPIC_BASE_URL: api.url };
    const { code, err } = await home.run(['run', 'in.jsonl', '-o', 'out.jsonl'], { env });
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/^batchwright: .*there is no key\. Set ANTHROPIC_API_KEY.*\n$/),
    ]);
  });

  it('a server that takes smaller bodies gets smaller ones', async () => {
    const api = await home.startSimulator();
    const proxy = await startProxy({ target: api.url, plan: tooLargeOnce() });
    await home.write('in.jsonl', requestLines('r', 20));
    const env = { ...api.env, ANTHROPIC_BASE_URL: proxy.url };
    const { code, err } = await home.run(['run', 'in.jsonl', '-o', 'out.jsonl'], { env });
    expect(code, err).toBe(0);
    expect((await api.batches()).length).toBe(2);
    await expectAnswers('out.jsonl', idsOf('r', 20));
    await proxy.close();
  });

  it.runIf(canMount())('a full disk loses nothing: the same command goes on when there is room', async () => {
    const disk = mountSmallDisk(16 * 1024 * 1024);
    if (disk === null) throw new Error('no disk could be mounted');
    try {
      const api = await home.startSimulator();
      await home.write('in.jsonl', requestLines('r', 200));
      const command = ['run', 'in.jsonl', '-o', `${disk.path}/out.jsonl`];
      await writeFile(`${disk.path}/taken`, 'so that no more than the rest is free');
      await disk.fill();
      const full = await home.run(command, { env: api.env });
      expect([full.code, full.err]).toEqual([1, expect.stringMatching(/^batchwright: no space left while .*\n$/m)]);
      await disk.free();
      const { code, err } = await home.run(command, { env: api.env });
      expect(code, err).toBe(0);
    } finally {
      disk.remove();
    }
  });
});

/** Answers the first create with 413. */
function tooLargeOnce(): (seen: ProxiedRequest) => ProxyStep {
  let isFirst = true;
  return ({ method }) => {
    if (method !== 'POST' || !isFirst) return { type: 'pass' };
    isFirst = false;
    return { type: 'answer', status: 413, headers: {} };
  };
}
