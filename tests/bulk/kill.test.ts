import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { RUN_POINTS, type JournalEntry, type RunPoint } from '@batchwright/client';
import { describe, expect, it } from 'vitest';
import { jsonLines, openBulkHome, type BulkHome, type Env, type TestApi } from './bulk-home.ts';
import { idsOf, requestLine } from './bulk-requests.ts';

/**
 * SIGKILL of the built command line at every point a run names, against servers that live on, and once with the server in
 * the same process. Then the same command again: nothing is lost, nothing is submitted twice, the output is whole.
 */

const KILLED = fileURLToPath(new URL('killed-command.mjs', import.meta.url));

/** Beyond the first time, points of which the second says something else: another batch, another round. */
const SECOND_TIMES: readonly RunPoint[] = [
  'planned',
  'before_create',
  'after_create',
  'sent',
  'before_poll',
  'ended',
  'downloading',
  'downloaded',
];
const MOMENTS: readonly (readonly [RunPoint, number])[] = [
  ...RUN_POINTS.map((point) => [point, 1] as const),
  ...SECOND_TIMES.map((point) => [point, 2] as const),
];

/** Two of these are answered in prose, which the schema does not take: they are asked once more, in a round of their own. */
const GOOD = idsOf('good', 46);
const PROSE = idsOf('prose', 2);
const SCHEMA = {
  type: 'object',
  properties: { label: { type: 'string' } },
  required: ['label'],
  additionalProperties: false,
};
const COMMAND = ['run', 'in.jsonl', '-o', 'out.jsonl', '--schema', 'schema.json', '--batch-requests', '20'];

/** A home of its own for each test, since several run at once: most of their time is waiting. */
async function atHome(test: (home: BulkHome) => Promise<void>): Promise<void> {
  const home = await openBulkHome();
  try {
    const structured = { output_config: { format: { type: 'json_schema', schema: SCHEMA } } };
    const lines = [...GOOD.map((id) => requestLine(id, undefined, structured)), ...PROSE.map((id) => requestLine(id))];
    await home.write('in.jsonl', `${lines.join('\n')}\n`);
    await home.write('schema.json', JSON.stringify(SCHEMA));
    await test(home);
  } finally {
    await home.close();
  }
}

/** Runs until the process kills itself at a point; answers whether it came there. */
function killedAt(home: BulkHome, point: RunPoint, nth: number, env: Env): Promise<boolean> {
  const child = spawn(process.execPath, [KILLED, point, String(nth), ...COMMAND], {
    cwd: home.directory,
    env: { PATH: process.env['PATH'], HOME: home.directory, ...env },
    stdio: 'ignore',
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_, signal) => resolve(signal === 'SIGKILL'));
  });
}

/** All requests have their final result, and all that can be right are. */
async function expectOutput(home: BulkHome): Promise<void> {
  const answers = await home.results('out.jsonl');
  expect(answers.map((answer) => answer.custom_id).toSorted()).toEqual([...GOOD, ...PROSE].toSorted());
  for (const answer of answers) expect(answer.result.type).toBe('succeeded');
}

/** The batches on the server are those of the journal, each once. */
async function expectNoBatchBeside(home: BulkHome, api: TestApi): Promise<void> {
  const journal = jsonLines(await home.read('out.jsonl.run/journal.jsonl')) as unknown as readonly JournalEntry[];
  const sent = journal.flatMap((entry) => (entry.type === 'sent' ? [entry.id] : []));
  expect((await api.batches()).map(({ id }) => id).toSorted()).toEqual([...new Set(sent)].toSorted());
}

describe.concurrent.each(['Batchwright', 'native batches'])('killed against %s', (kind) => {
  it.each(MOMENTS)('at %s, time %i: loses nothing and submits nothing twice', (point, nth) =>
    atHome(async (home) => {
      const api = kind === 'Batchwright' ? await home.startBatchwright() : await home.startSimulator();
      const wasKilled = await killedAt(home, point, nth, api.env);
      const { code, err } = await home.run(COMMAND, { env: api.env });
      // Two are not what the schema wants however often they are asked.
      expect([code, wasKilled], err).toEqual([1, true]);
      await expectOutput(home);
      await expectNoBatchBeside(home, api);
      const calls = await api.calls();
      expect(GOOD.filter((id) => calls.get(id) !== 1)).toEqual([]);
      expect(PROSE.map((id) => calls.get(id))).toEqual([2, 2]);
      // They are kept for --retry-failed.
      await access(home.path('out.jsonl.run/requests.jsonl'));
    }),
  );
});

describe.concurrent('killed with the server in the same process', () => {
  it.each(['planned', 'after_create', 'sent', 'downloading', 'downloaded', 'output_written'] as const)(
    'at %s: loses nothing',
    (point) =>
      atHome(async (home) => {
        expect(await killedAt(home, point, 1, {})).toBe(true);
        const { code, err } = await home.run(COMMAND);
        expect(code, err).toBe(1);
        await expectOutput(home);
      }),
  );
});
