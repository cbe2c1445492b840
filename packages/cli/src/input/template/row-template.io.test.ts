import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, complaint, contentsOf, type InputDirectory, inputDirectory, requestsOf } from '../input.fixture.ts';
import type { InputOptions } from '../input-options.ts';
import { openRequestSource } from '../open-request-source.ts';
import type { RequestSource } from '../request-source.ts';

let dir: InputDirectory;

beforeEach(async () => {
  dir = await inputDirectory();
  await dir.write('rows.csv', 'file,text\na.md,one\nb.pdf,two\na.md,three\n');
  await dir.write('a.md', '# A');
  await dir.write('b.pdf', '%PDF-1.4 b');
  await dir.write('i.png', PNG);
});
afterEach(async () => dir.remove());

const PNG = Buffer.from('89504e470d0a1a0a0000', 'hex');
const MODEL = 'claude-haiku-4-5';

const open = async (options: InputOptions): Promise<RequestSource> =>
  openRequestSource('rows.csv', { model: MODEL, prompt: '{{text}}', ...options }, dir.host);

async function firstParams(options: InputOptions): Promise<Readonly<Record<string, unknown>>> {
  return (await requestsOf(await open(options)))[0]?.params ?? {};
}

async function told(options: InputOptions): Promise<string> {
  return complaint(
    open(options).then(async (source) => all(source.requests())),
    dir,
  );
}

const text = (value: string): object => ({ type: 'text', text: value });
const document = (title: string, data: string): object => ({
  type: 'document',
  source: { type: 'text', media_type: 'text/plain', data },
  title,
});
const pdf = (title: string, bytes: string): object => ({
  type: 'document',
  source: { type: 'base64', media_type: 'application/pdf', data: Buffer.from(bytes).toString('base64') },
  title,
});
const image = (mediaType: string, bytes: Buffer): object => ({
  type: 'image',
  source: { type: 'base64', media_type: mediaType, data: bytes.toString('base64') },
});

describe('the params of a row', () => {
  it('are in the order in which a prompt is read', async () => {
    await dir.write('t.json', '[{"name":"t","input_schema":{"type":"object"}}]');
    await dir.write('s.json', '{"type":"object"}');
    const params = await firstParams({
      system: 'For {{file}}.',
      tool: ['t.json'],
      schema: 's.json',
      temperature: '0.5',
      maxTokens: '2000',
      params: '{"stop_sequences":["x"],"output_config":{"effort":"low"},"max_tokens":9}',
    });
    expect(Object.entries(params)).toEqual([
      ['model', MODEL],
      ['max_tokens', 9],
      ['tools', [{ name: 't', input_schema: { type: 'object' } }]],
      ['system', 'For a.md.'],
      ['messages', [{ role: 'user', content: 'one' }]],
      ['output_config', { format: { type: 'json_schema', schema: { type: 'object' } }, effort: 'low' }],
      ['temperature', 0.5],
      ['stop_sequences', ['x']],
    ]);
  });

  it('ask for 1024 tokens, and think when told to', async () => {
    expect(await firstParams({})).toMatchObject({ model: MODEL, max_tokens: 1024 });
    expect(await firstParams({ thinking: '2048', maxTokens: '4096' })).toMatchObject({
      thinking: { type: 'enabled', budget_tokens: 2048 },
    });
    expect(await firstParams({ thinking: 'adaptive', model: 'claude-opus-5' })).toMatchObject({
      thinking: { type: 'adaptive' },
    });
  });

  it('take their texts from files, without the line end of the last line', async () => {
    await dir.write('p.txt', 'Say {{text}}\n');
    await dir.write('extra.json', '{"model":"other"}');
    expect(await firstParams({ prompt: '@p.txt', system: '@@home', params: '@extra.json' })).toMatchObject({
      model: 'other',
      system: '@home',
      messages: [{ role: 'user', content: 'Say one' }],
    });
  });
});

describe('attachments', () => {
  it('that all rows share come first, and before what each names', async () => {
    const source = await open({
      document: ['{{file}}', 'a.md'],
      image: ['i.png', 'https://example.com/x.jpg'],
      prompt: 'Say what follows. ## {{text}}',
      splitAt: '##',
    });
    const [, second] = await contentsOf(source);
    expect(second).toEqual([
      document('a.md', '# A'),
      image('image/png', PNG),
      { type: 'image', source: { type: 'url', url: 'https://example.com/x.jpg' } },
      text('Say what follows. '),
      pdf('b.pdf', '%PDF-1.4 b'),
      text(' two'),
    ]);
  });

  it('that are the same are the same bytes in every request', async () => {
    const source = await open({ document: ['a.md'], system: 'Be brief.' });
    const lines = (await all(source.requests())).map(({ line }) => Buffer.from(line).toString());
    const shared = lines.map((line) => line.slice(line.indexOf('"params"'), line.indexOf('{"type":"text","text":"')));
    expect(new Set(shared).size).toBe(1);
    expect(shared[0]).toContain('# A');
  });

  it.each([
    ['x.gif', Buffer.from('GIF89a..........'), 'image/gif'],
    ['x.jpg', Buffer.from('ffd8ffe000104a46', 'hex'), 'image/jpeg'],
    ['x.webp', Buffer.from('RIFF\x01\x02\x03\x04WEBPVP8 ', 'latin1'), 'image/webp'],
    ['wrong-name.txt', PNG, 'image/png'],
  ])('%s is known by its first bytes', async (name, bytes, mediaType) => {
    await dir.write(name, bytes);
    const [first] = (await contentsOf(await open({ image: [name] }))) as unknown[][];
    expect(first?.[0]).toEqual(image(mediaType, bytes));
  });
});

describe('wrong options are said in one line', () => {
  it.each<[InputOptions, string]>([
    [
      { prompt: 'x {{ }}' },
      '--prompt has braces without a column’s name at "{{ }}". Write {{column}}, or {{{{ for two braces.',
    ],
    [{ prompt: ' ' }, "--prompt is empty. Say what to ask, such as --prompt 'Classify: {{text}}'."],
    [
      { splitAt: '##' },
      '--split-at "##" is not in the prompt. It must be there once, between what is shared and what is not.',
    ],
    [
      { splitAt: '#', prompt: 'a#b#c' },
      '--split-at "#" is 2 times in the prompt. It must be there once, between what is shared and what is not.',
    ],
    [
      { splitAt: '#', prompt: 'a#' },
      "--prompt has nothing after the mark. Say what to ask, such as --prompt 'Classify: {{text}}'.",
    ],
    [{ maxTokens: '0' }, '--max-tokens is "0", but must be a whole number from 1.'],
    [{ temperature: '1.5' }, '--temperature is "1.5", but must be a number from 0 to 1.'],
    [{ thinking: '5' }, '--thinking is "5", but must be a whole number of tokens from 1024, or adaptive.'],
    [{ params: '{a}' }, `--params is not JSON: Expected property name or '}' in JSON at position 1.`],
    [{ params: '[1]' }, '--params must be a JSON object, but is [1].'],
    [{ params: '{"messages":[]}' }, '--params may not hold messages: they are made of --prompt. Put the text there.'],
    [{ system: '@no.md' }, '--system no.md: there is no such file. Paths are taken from DIR.'],
    [{ tool: ['a.md'] }, `--tool a.md is not JSON: Unexpected token '#', "# A" is not valid JSON.`],
    [{ schema: 'no.json' }, '--schema no.json: there is no such file. Paths are taken from DIR.'],
    [{ document: ['no.md'] }, '--document no.md: there is no such file. Paths are taken from DIR.'],
    [{ document: ['empty.md'] }, '--document empty.md is empty. Fill it, or leave it out.'],
    [{ document: ['blank.md'] }, '--document blank.md holds nothing but white space. Fill it, or leave it out.'],
    [{ document: ['x.docx'] }, '--document x.docx is a ZIP archive or an office document. Save it as PDF or as text.'],
    [
      { document: ['x.bin'] },
      '--document x.bin is neither UTF-8 text, PDF, PNG, JPEG, GIF nor WebP. Save it as one of them.',
    ],
    [{ document: ['i.png'] }, '--document i.png is an image. Attach it with --image.'],
    [{ image: ['a.md'] }, '--image a.md is a document. Attach it with --document.'],
    [
      { image: ['http://example.com/x.png'] },
      '--image http://example.com/x.png must begin with https:. Or name a file on this machine.',
    ],
    [
      { document: ['{{text}}'] },
      'rows.csv line 2, --document one: there is no such file. Paths are taken from DIR.\nrows.csv line 3, --document two: there is no such file. Paths are taken from DIR.\nrows.csv line 4, --document three: there is no such file. Paths are taken from DIR.',
    ],
    [
      { model: 'claude-opus-5', temperature: '0.5' },
      '--temperature: claude-opus-5 would refuse every request: `temperature` is deprecated for this model. Change it, or leave it out.',
    ],
    [
      { maxTokens: '99999999' },
      '--max-tokens: claude-haiku-4-5 would refuse every request: max_tokens: 99999999 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001. Change it, or leave it out.',
    ],
    [
      { tool: ['schema.json'] },
      '--tool schema.json has the type "object", which is no tool of the Messages API. A tool is {"name":…,"description":…,"input_schema":{"type":"object",…}}.',
    ],
    [
      { tool: ['tools.json'] },
      '--tool tools.json item 2: input_schema: Field required. A tool is {"name":…,"description":…,"input_schema":{"type":"object",…}}.',
    ],
    [
      { tool: ['function.json'] },
      '--tool function.json has the type "function", which is no tool of the Messages API. A tool is {"name":…,"description":…,"input_schema":{"type":"object",…}}.',
    ],
    [
      { model: 'claude-opus-5', thinking: '2048', maxTokens: '4096' },
      '--thinking: claude-opus-5 would refuse every request: "thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior. Change it, or leave it out.',
    ],
  ])('%j', async (options, message) => {
    await dir.write('schema.json', '{"type":"object","properties":{}}');
    await dir.write('tools.json', '[{"type":"web_search_20250305","name":"web_search"},{"name":"t"}]');
    await dir.write('function.json', '{"type":"function","name":"f","parameters":{}}');
    await dir.write('empty.md', '');
    await dir.write('blank.md', ' \n');
    await dir.write('x.docx', 'PK\x03\x04\x14\0');
    await dir.write('x.bin', Buffer.from([1, 0, 255, 254]));
    // Newer Nodes also say which line of the JSON it is.
    const said = (await told(options)).replace(/ \(line \d+ column \d+\)/, '');
    expect(said).toBe(`BadRequestsError: ${message}`);
  });

  it('of a file that no request could hold', async () => {
    await dir.write('big.txt', Buffer.alloc(33 * 1024 * 1024, 'x'));
    await dir.write('half.txt', Buffer.alloc(20 * 1024 * 1024, 'x'));
    expect(await told({ document: ['big.txt'] })).toBe(
      'BadRequestsError: --document big.txt has 33.0 MB, but a request may hold 32.0 MB in all. Split it.',
    );
    expect((await told({ document: ['half.txt', 'half.txt'] })).split('\n')[0]).toBe(
      'BadRequestsError: rows.csv line 2 makes a request of 40.0 MB, but the API takes 32.0 MB at most. Attach less, or split it.',
    );
  });
});
