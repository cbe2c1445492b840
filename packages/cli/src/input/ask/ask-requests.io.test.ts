import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, complaint, type InputDirectory, inputDirectory, requestsOf } from '../input.fixture.ts';
import type { AskOptions } from '../input-options.ts';
import { askRequests } from './ask-requests.ts';

let dir: InputDirectory;

beforeEach(async () => {
  dir = await inputDirectory();
  await dir.write('post.md', '# A post');
  await dir.write('page.html', '<p>A page</p>');
  await dir.write('scan.png', Buffer.from('89504e470d0a1a0a0000', 'hex'));
});
afterEach(async () => dir.remove());

const QUESTIONS = ['Who is named?', 'What follows?'];

async function told(documents: readonly string[], options: AskOptions): Promise<string> {
  return complaint(
    askRequests(documents, options, dir.host).then(async (source) => all(source.requests())),
    dir,
  );
}

describe('questions about documents', () => {
  it('are one request each, the document first', async () => {
    const source = await askRequests(['post.md', 'scan.png'], { question: QUESTIONS, system: 'Be brief.' }, dir.host);
    const requests = await requestsOf(source);
    expect(requests.map(({ custom_id: id }) => id)).toEqual([
      'post-who-is-named',
      'post-what-follows',
      'scan-who-is-named',
      'scan-what-follows',
    ]);
    expect(requests[1]?.params).toEqual({
      model: 'claude-haiku-5-5',
      max_tokens: 1024,
      system: 'Be brief.',
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'document',
              source: { type: 'text', media_type: 'text/plain', data: '# A post' },
              title: 'post.md',
            },
            { type: 'text', text: 'What follows?' },
          ],
        },
      ],
    });
    expect(source.asked('scan-what-follows')).toEqual({ document: 'scan.png', question: 'What follows?' });
    expect(source.asked('other')).toBeNull();
  });

  it('share all bytes but those of the question', async () => {
    const source = await askRequests(['page.html'], { question: QUESTIONS }, dir.host);
    const params = (await all(source.requests())).map(({ line }) => Buffer.from(line).toString().split('"params":')[1]);
    const [first = '', second = ''] = params;
    expect(first.replace(QUESTIONS[0] ?? '', '')).toBe(second.replace(QUESTIONS[1] ?? '', ''));
    expect(first).toContain('<p>A page</p>');
  });

  it.each([
    ['q.txt', 'One?\r\n\n  Two "quoted"? \n'],
    ['q.json', '["One?", "Two \\"quoted\\"?"]'],
    ['q.jsonl', '"One?"\n"Two \\"quoted\\"?"\n'],
  ])('may come from %s', async (file, content) => {
    await dir.write(file, content);
    const source = await askRequests(['post.md'], { questions: file, question: ['Zero?', 'One?'] }, dir.host);
    const asked = (await requestsOf(source)).map(({ custom_id: id }) => source.asked(id)?.question);
    expect(asked).toEqual(['Zero?', 'One?', 'Two "quoted"?']);
  });

  it('keep their ids when others are added, and are another run then', async () => {
    const ids = async (documents: readonly string[], question: readonly string[]): Promise<string[]> =>
      (await requestsOf(await askRequests(documents, { question }, dir.host))).map(({ custom_id: id }) => id);
    const few = await ids(['post.md'], QUESTIONS);
    expect(await ids(['page.html', 'post.md', 'post.md'], ['New?', ...QUESTIONS])).toEqual(expect.arrayContaining(few));
    const one = await askRequests(['post.md'], { question: QUESTIONS }, dir.host);
    const other = await askRequests(['post.md'], { question: ['New?'] }, dir.host);
    expect(other.identity).not.toEqual(one.identity);
    expect((await askRequests(['post.md'], { question: QUESTIONS }, dir.host)).identity).toEqual(one.identity);
  });
});

describe('what cannot be asked is said in one line', () => {
  it.each<[readonly string[], AskOptions, string]>([
    [['post.md'], {}, "Nothing is asked. Ask with -q 'What is it about?', or --questions FILE."],
    [['post.md'], { question: [' '] }, 'A question is empty. Say what to ask.'],
    [[], { question: ['a'] }, 'No document is named. Name one or more to ask about.'],
    [['no.md'], { question: ['a'] }, 'no.md: there is no such file. Paths are taken from DIR.'],
    [['d'], { question: ['a'] }, 'd is a directory. Name the files in it: d/*'],
    [['d/empty.md'], { question: ['a'] }, 'd/empty.md is empty. Fill it, or leave it out.'],
    [['post.md'], { questions: 'd/empty.md' }, '--questions d/empty.md has no questions. Put one on each line.'],
    [['post.md'], { questions: 'q.json' }, '--questions q.json item 2 is 5, but a question must be a text.'],
    [
      ['post.md'],
      { question: ['a'], system: 'For {{x}}' },
      '--system names a column, but there are no rows. Write {{{{ for two braces.',
    ],
  ])('%j %j', async (documents, options, message) => {
    await dir.write('d/empty.md', '');
    await dir.write('q.json', '["a", 5]');
    expect(await told(documents, options)).toBe(`BadRequestsError: ${message}`);
  });
});
