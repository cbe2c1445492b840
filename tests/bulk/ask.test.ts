import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, openBulkHome, type BulkHome } from './bulk-home.ts';

/** `batchwright ask` by the built command line. */

let home: BulkHome;

beforeEach(async () => {
  home = await openBulkHome();
  await home.write('report.md', '# Report\n\nProfits rose by a third.\n');
  await home.write('letter.txt', 'Dear all, profits fell.\n');
});

afterEach(async () => {
  await home.close();
});

const QUESTIONS = ['-q', 'What happened to profits?', '-q', 'Who wrote it?'];
const IDS = [
  'letter-what-happened-to-profits',
  'letter-who-wrote-it',
  'report-what-happened-to-profits',
  'report-who-wrote-it',
];

describe('ask', () => {
  it('prints every answer with its document and question, and keeps each in a file named for both', async () => {
    const { code, out, err } = await home.run(['ask', 'report.md', 'letter.txt', ...QUESTIONS]);
    expect(code, err).toBe(0);
    expect(err).toContain('answers come from the simulated model');
    for (const text of ['report.md', 'letter.txt', 'What happened to profits?', 'Who wrote it?']) {
      expect(out.split('\n').filter((line) => line === text).length).toBe(2);
    }
    expect((await readdir(home.path('output'))).toSorted()).toEqual(IDS.map((id) => `${id}.json`));
    const kept = JSON.parse(await home.read(`output/${IDS[0]}.json`)) as { readonly custom_id: string };
    expect(kept.custom_id).toBe(IDS[0]);
    expect(out).not.toContain('\u001B');
  });

  it('asks once: a second time there is nothing to do', async () => {
    const command = ['ask', 'report.md', ...QUESTIONS];
    expect((await home.run(command)).code).toBe(0);
    const again = await home.run(command);
    expect([again.code, again.out]).toEqual([0, '']);
    expect(again.err).toMatch(/^Already finished at /);
  });

  it('asks more beside what was answered, and says nothing is lost', async () => {
    expect((await home.run(['ask', 'report.md', '-q', 'Who wrote it?'])).code).toBe(0);
    const more = await home.run(['ask', 'report.md', '-q', 'What happened to profits?']);
    expect(more.code, more.err).toBe(0);
    expect(more.err).toContain('Other questions or documents: answers that are in output/ stay there.\n');
    expect((await readdir(home.path('output'))).toSorted()).toEqual([`${IDS[2]}.json`, `${IDS[3]}.json`]);
    // Another model would answer the same in place of what is there.
    const other = await home.run(['ask', 'report.md', '-q', 'What happened to profits?', '--max-tokens', '9']);
    expect([other.code, other.err]).toEqual([
      2,
      expect.stringMatching(/which is finished: this one differs in .*--restart/),
    ]);
  });

  it('never puts answers to other questions in place of a file', async () => {
    expect((await home.run(['ask', 'report.md', '-q', 'Who wrote it?', '-o', 'answers.csv'])).code).toBe(0);
    const more = await home.run(['ask', 'report.md', '-q', 'What happened?', '-o', 'answers.csv']);
    expect([more.code, more.err]).toEqual([
      2,
      expect.stringMatching(/which is finished: this one differs in questions\./),
    ]);
  });

  it('reads questions from a file, and shares a document between them', async () => {
    const api = await home.startSimulator();
    await home.write('long.txt', `${'All that was said in the meeting of the board. '.repeat(600)}\n`);
    await home.write('questions.txt', 'Who spoke?\nWhat was decided?\nWhat comes next?\nWho was missing?\n');
    const { code, err } = await home.run(
      ['ask', 'long.txt', '--questions', 'questions.txt', '-o', 'answers.jsonl', '--model', 'claude-haiku-4-5'],
      { env: api.env },
    );
    expect(code, err).toBe(0);
    const usages = (await home.results('answers.jsonl')).map((answer) => answer.result.message.usage);
    const reads = usages.filter((usage) => (usage['cache_read_input_tokens'] ?? 0) > 4096);
    const writes = usages.filter((usage) => (usage['cache_creation_input_tokens'] ?? 0) > 4096);
    expect([writes.length, reads.length]).toEqual([1, 3]);
    expect((await api.batches()).length).toBe(2);
  });

  it('tells machines each answer', async () => {
    const { code, out } = await home.run(['ask', 'report.md', '-q', 'Who wrote it?', '--json']);
    expect(code).toBe(0);
    expect(jsonLines(out).filter(({ type }) => type === 'answer')).toEqual([
      expect.objectContaining({
        document: 'report.md',
        question: 'Who wrote it?',
        custom_id: 'report-who-wrote-it',
        outcome: 'succeeded',
        text: expect.any(String),
      }),
    ]);
  });

  it.each([
    ['nothing is asked', ['report.md'], /^batchwright: Nothing is asked\..*\n$/],
    ['a document that is not there', ['none.md', ...QUESTIONS], /^batchwright: .*none\.md.*\n$/],
    ['a directory', ['.', ...QUESTIONS], /^batchwright: \. is a directory\..*\n$/],
  ])('refuses %s', async (_, args, line) => {
    const { code, out, err } = await home.run(['ask', ...args]);
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(line)]);
  });
});
