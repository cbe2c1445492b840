import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, complaint, contentsOf, type InputDirectory, inputDirectory, requestsOf } from './input.fixture.ts';
import type { InputOptions } from './input-options.ts';
import { openRequestSource } from './open-request-source.ts';
import type { RequestSource } from './request-source.ts';

let dir: InputDirectory;

beforeEach(async () => {
  dir = await inputDirectory();
});
afterEach(async () => dir.remove());

const TEMPLATE: InputOptions = { model: 'claude-haiku-5-5', prompt: 'Classify: {{text}}' };
const request = (id: string): string => `{"custom_id":"${id}", "params":{"model":"m","max_tokens":1.0,"messages":[]}}`;

async function linesOf(input: string, options: InputOptions = {}): Promise<string[]> {
  const source = await openRequestSource(input, options, dir.host);
  return (await all(source.requests())).map(({ line }) => Buffer.from(line).toString());
}

/** What a user is told: at the opening, or while the requests are read. */
async function told(input: string, options: InputOptions = {}): Promise<string> {
  const reading = async (): Promise<unknown> => all((await openRequestSource(input, options, dir.host)).requests());
  return complaint(reading(), dir);
}

/** What is said beside the requests, and where those come from. */
async function notesOf(source: RequestSource): Promise<{ readonly texts: string[]; readonly origins: string[] }> {
  const texts: string[] = [];
  const origins = (await all(source.requests(({ type, text }) => texts.push(`${type}: ${text}`)))).map(
    ({ origin }) => origin,
  );
  return { texts, origins };
}

describe('whole requests', () => {
  it('are handed on byte for byte, blank lines and line ends left out', async () => {
    await dir.write('a.jsonl', `\uFEFF${request('a')}\r\n\n  \r\n${request('é')}\n${request('c')}`);
    expect(await linesOf('a.jsonl')).toEqual([request('a'), request('é'), request('c')]);
  });

  it('say where they came from', async () => {
    await dir.write('a.jsonl', `${request('a')}\n\n${request('b')}\n`);
    const source = await openRequestSource('a.jsonl', {}, dir.host);
    expect((await all(source.requests())).map(({ origin }) => origin)).toEqual(['a.jsonl line 1', 'a.jsonl line 3']);
  });

  it('may be gzip, whatever the name', async () => {
    await dir.write('a.jsonl.gz', gzipSync(`${request('a')}\n${request('b')}\n`));
    await dir.write('b.jsonl', gzipSync(`${request('c')}\n`));
    expect(await linesOf('a.jsonl.gz')).toEqual([request('a'), request('b')]);
    expect(await linesOf('b.jsonl')).toEqual([request('c')]);
  });

  it('may be a create body, or a list, printed over many lines', async () => {
    const items = [request('a'), request('b')].map((line) => JSON.parse(line) as object);
    await dir.write('body.json', JSON.stringify({ requests: items }, null, 2));
    await dir.write('list.json', `${JSON.stringify(items)}\n`);
    const compact = items.map((item) => JSON.stringify(item));
    expect((await linesOf('body.json')).map((line) => JSON.stringify(JSON.parse(line)))).toEqual(compact);
    expect((await linesOf('body.json')).join('')).not.toContain('\n');
    expect(await linesOf('list.json')).toEqual(compact);
  });

  it('may be piped in, once, and are not read before they are asked for', async () => {
    const piped = await inputDirectory(`${request('a')}\n${request('b')}`);
    let reads = 0;
    const host = { ...piped.host, stdin: () => (reads++, piped.host.stdin()) };
    const source = await openRequestSource('-', {}, host);
    expect([source.name, source.identity, reads]).toEqual([
      'standard input',
      { input: '-', 'input format': 'jsonl' },
      0,
    ]);
    expect(await all(source.requests())).toHaveLength(2);
    await expect(all(source.requests())).rejects.toThrow('standard input can be read only once.');
    await piped.remove();
  });

  it('of a file can be read again, and count the bytes', async () => {
    await dir.write('a.jsonl', `${request('a')}\n`);
    const source = await openRequestSource('a.jsonl', {}, dir.host);
    expect(await requestsOf(source)).toEqual(await requestsOf(source));
    expect(source.progress).toEqual({ readBytes: request('a').length + 1, totalBytes: request('a').length + 1 });
  });

  it('may be held to a schema, which is not sent', async () => {
    await dir.write('a.jsonl', request('a'));
    await dir.write('s.json', '{"type":"object"}');
    const source = await openRequestSource('a.jsonl', { schema: 's.json' }, dir.host);
    expect(source.schema).toEqual({ type: 'object' });
    expect(await linesOf('a.jsonl', { schema: 's.json' })).toEqual([request('a')]);
  });
});

describe('rows', () => {
  it('of JSON are put into the prompt as they were written', async () => {
    const rows = ['{"text":"a \\"b\\"\\n","n":12345678901234567890}', '{"text":{"x":[1.0, 2]},"n":null}'];
    await dir.write('rows.jsonl', rows.join('\n'));
    const source = await openRequestSource('rows.jsonl', { ...TEMPLATE, prompt: '{{text}}|{{ n }}|' }, dir.host);
    expect(await contentsOf(source)).toEqual(['a "b"\n|12345678901234567890|', '{"x":[1.0, 2]}||']);
  });

  it('of a table have quotes, line breaks and blank lines', async () => {
    await dir.write('rows.csv', '\uFEFFid,text\r\n1,"a, ""b""\nc"\r\n\r\n2,d\n');
    const source = await openRequestSource('rows.csv', TEMPLATE, dir.host);
    expect(await contentsOf(source)).toEqual(['Classify: a, "b"\nc', 'Classify: d']);
    expect((await all(source.requests())).map(({ origin }) => origin)).toEqual(['rows.csv line 2', 'rows.csv line 5']);
  });

  it.each([
    [';', 'semicolons', '"a;b\nc"', 'a;b\nc'],
    ['\t', 'tabs', 'say "hi", he', 'say "hi", he'],
  ])('separated by %j are known by their headings, and it is said', async (separator, words, field, value) => {
    await dir.write('rows.csv', `id${separator}text\n1${separator}${field}\n2${separator}1,5\n`);
    const source = await openRequestSource('rows.csv', TEMPLATE, dir.host);
    const { texts, origins } = await notesOf(source);
    expect(texts).toEqual([
      `note: rows.csv is read as separated by ${words}, as its headings are; --delimiter ',' is for commas.`,
    ]);
    expect(origins).toEqual(['rows.csv line 2', `rows.csv line ${field.includes('\n') ? 4 : 3}`]);
    expect(await contentsOf(source)).toEqual([`Classify: ${value}`, 'Classify: 1,5']);
  });

  it.each([
    ['|', 'id|a,text\n1|x\n', 'a,text'],
    [',', 'a;b,text\n1,x\n', 'text'],
    ['tab', 'id\ttext\n1\tx\n', 'text'],
  ])('may be told to be separated by %s', async (delimiter, content, column) => {
    await dir.write('rows.csv', content);
    const source = await openRequestSource('rows.csv', { ...TEMPLATE, prompt: `{{${column}}}`, delimiter }, dir.host);
    expect(await contentsOf(source)).toEqual(['x']);
    expect([(await notesOf(source)).texts, source.identity['--delimiter']]).toEqual([[], delimiter]);
  });

  it('with nothing to ask are left out when that is asked for, counted and said', async () => {
    await dir.write('rows.csv', 'id,text\n,\nb,y\n,\nd,z\n');
    const options = { ...TEMPLATE, prompt: '{{text}}', skipEmpty: true };
    const source = await openRequestSource('rows.csv', options, dir.host);
    expect((await requestsOf(source)).map(({ custom_id: id }) => id)).toEqual(['row-0000002', 'row-0000004']);
    expect((await notesOf(source)).texts).toEqual([
      'note: Left out 2 rows with an empty prompt: the first is rows.csv line 2.',
    ]);
    const named = await openRequestSource('rows.csv', { ...options, idColumn: 'id' }, dir.host);
    expect((await requestsOf(named)).map(({ custom_id: id }) => id)).toEqual(['b', 'd']);
  });

  it('of which a prompt says nothing are warned of, as is what the API is known to refuse', async () => {
    await dir.write('rows.csv', 'custom_id,text,more\na,x,y\n');
    const options = { model: 'claude-haiku-5-5', prompt: 'Classify.', params: '{"thinkin":1}' };
    const { texts } = await notesOf(await openRequestSource('rows.csv', options, dir.host));
    expect(texts).toEqual([
      'warning: --params: as far as is known here, the API would refuse every request: thinkin: Extra inputs are not permitted. It is sent all the same.',
      'warning: --prompt names no column, so every request asks the same: there are "text" and "more". Write {{text}} where a row’s own text goes.',
    ]);
    const differing = { ...options, params: '{}', system: 'On {{text}}.' };
    expect((await notesOf(await openRequestSource('rows.csv', differing, dir.host))).texts).toEqual([]);
  });

  it('with tabs keep their quotes', async () => {
    await dir.write('rows.tsv', 'id\ttext\n1\tsay "hi", he said\n');
    expect(await contentsOf(await openRequestSource('rows.tsv', TEMPLATE, dir.host))).toEqual([
      'Classify: say "hi", he said',
    ]);
  });

  it('are numbered, or named by a column', async () => {
    await dir.write('rows.csv', 'id,text\na-1,x\nb_2,y\n');
    await dir.write('named.csv', 'custom_id,text\nc,x\n');
    const ids = async (input: string, options: InputOptions): Promise<string[]> =>
      (await requestsOf(await openRequestSource(input, options, dir.host))).map(({ custom_id: id }) => id);
    expect(await ids('rows.csv', TEMPLATE)).toEqual(['row-0000001', 'row-0000002']);
    expect(await ids('rows.csv', { ...TEMPLATE, idColumn: 'id' })).toEqual(['a-1', 'b_2']);
    expect(await ids('named.csv', TEMPLATE)).toEqual(['c']);
  });

  it('may be piped in', async () => {
    const piped = await inputDirectory('text\nx\n');
    const source = await openRequestSource('-', { ...TEMPLATE, inputFormat: 'csv' }, piped.host);
    expect(await contentsOf(source)).toEqual(['Classify: x']);
    await piped.remove();
  });
});

describe('what cannot be read is said in one line', () => {
  const cases: readonly (readonly [name: string, content: string | Buffer, options: InputOptions, told: string])[] = [
    ['a.jsonl', '', {}, 'a.jsonl holds no requests. Put one on each line: {"custom_id":…,"params":{…}}.'],
    ['a.csv', 'text\n', TEMPLATE, 'a.csv has no rows. Nothing can be asked.'],
    ['a.csv', '', TEMPLATE, 'a.csv has no rows. Nothing can be asked.'],
    [
      'a.csv',
      'text\nx\n',
      {},
      "Requests are made of the rows of a.csv by a template, of which --model and --prompt are missing. For example: --model claude-haiku-5-5 --prompt 'Classify: {{text}}'",
    ],
    [
      'a.jsonl',
      '{"review":"x"}\n',
      {},
      "Requests are made of the rows of a.jsonl by a template, of which --model and --prompt are missing. For example: --model claude-haiku-5-5 --prompt 'Classify: {{review}}'",
    ],
    [
      'a.jsonl',
      '{"text":"x"}\n',
      { model: 'm' },
      "Requests are made of the rows of a.jsonl by a template, of which --prompt is missing. For example: --model claude-haiku-5-5 --prompt 'Classify: {{text}}'",
    ],
    [
      'a.jsonl',
      '{"custom_id":"a","method":"POST","url":"/v1/x","body":{}}',
      {},
      'a.jsonl holds requests for another API, {custom_id, method, url, body}. Write each as {"custom_id":…,"params":{…}}.',
    ],
    [
      'a.jsonl',
      request('a'),
      TEMPLATE,
      'a.jsonl line 1 is a whole request, {custom_id, params}, which is sent as it is: --model and --prompt do not apply. Leave them out.',
    ],
    [
      'a.jsonl',
      request('a'),
      { model: 'm' },
      'a.jsonl line 1 is a whole request, {custom_id, params}, which is sent as it is: --model does not apply. Leave it out.',
    ],
    [
      'a.csv',
      'id,text\n1,x\n',
      { ...TEMPLATE, prompt: '{{txet}}' },
      'a.csv line 2 has no column "txet", which --prompt names. Did you mean "text"? Its columns are "id" and "text".',
    ],
    [
      'a.csv',
      'id|text\n1|x\n',
      TEMPLATE,
      `a.csv line 2 has no column "text", which --prompt names. Its only column is "id|text". It seems to be several: add --delimiter '|'.`,
    ],
    [
      'a.csv',
      'id,text\n1,x,y\n2\n',
      TEMPLATE,
      'a.csv line 2 has 3 fields, but there are 2 headings. Put fields that hold a separator or a line break in quotes.\na.csv line 3 has 1 field, but there are 2 headings. Put fields that hold a separator or a line break in quotes.',
    ],
    ['a.csv', 'text,text\nx,y\n', TEMPLATE, 'a.csv has two columns named "text". Rename one.'],
    [
      'a.csv',
      'text\r\n"x\r\n\r\n"\r\n"y\r\nz\r\n',
      TEMPLATE,
      'a.csv line 5: a quote opens in this row that is not closed to the end. Close it; within quotes, write "" for one.',
    ],
    [
      'a.csv',
      'text\nx\n"y"z\n',
      TEMPLATE,
      'a.csv line 3: in this row, text follows the quote that ends a field. Within quotes, write "" for one.',
    ],
    [
      'a.csv',
      'text\nx"y\n',
      TEMPLATE,
      'a.csv line 2: a quote stands in the middle of a field. Put the whole field in quotes, and write "" for the one within.',
    ],
    [
      'a.csv',
      Buffer.from('text\nok\ncaf\xe9\n', 'latin1'),
      TEMPLATE,
      'a.csv line 3, column "text", is not UTF-8. Save the file as UTF-8.',
    ],
    ['a.csv', Buffer.from('\uFEFFtext', 'utf16le'), TEMPLATE, 'a.csv is UTF-16. Save it as UTF-8.'],
    ['a.csv', 'PK\x03\x04', TEMPLATE, 'a.csv is a ZIP archive or a spreadsheet. Save it as CSV in UTF-8.'],
    ['a.csv', 'a\0b', TEMPLATE, 'a.csv is not text. Give JSONL, JSON, CSV, TSV or Parquet.'],
    ['a.jsonl', 'PAR1', {}, 'a.jsonl is a Parquet file. Add --input-format parquet.'],
    [
      'a.jsonl',
      '{"text":"a"}\n{"text":"b", "id":\n',
      TEMPLATE,
      'a.jsonl line 2 is not JSON: it ends at byte 18, before its JSON does, in {"text":"b", "id":. Mend that line, or take it out.',
    ],
    [
      'a.jsonl',
      '{"text":"a"}\n{"text":oops}\n',
      TEMPLATE,
      'a.jsonl line 2 is not JSON: unexpected character at byte 8, in {"text":oops}. Mend that line, or take it out.',
    ],
    [
      'a.jsonl',
      '{"text":"a"}\n["b"]\n',
      TEMPLATE,
      'a.jsonl line 2 is ["b"], but a row must be an object: {"column":"value",…}.',
    ],
    [
      'a.jsonl',
      Buffer.from('{"text":"\xe9"}', 'latin1'),
      TEMPLATE,
      'a.jsonl line 1 is not UTF-8. Save the file as UTF-8.',
    ],
    [
      'a.csv',
      'id,text\na b,x\n',
      { ...TEMPLATE, idColumn: 'id' },
      'a.csv line 2: "a b" in column "id" cannot be a custom_id, which is 1 to 64 letters, digits, _ or -. Mend it, or name another --id-column.',
    ],
    [
      'a.csv',
      'id,text\n1,\n',
      { ...TEMPLATE, prompt: '{{text}}' },
      'a.csv line 2 makes an empty prompt. Fill the row in, or leave such rows out: --skip-empty.',
    ],
    [
      'a.json',
      '{"requests":[{"a":1',
      {},
      'a.json ends in the middle of item 1. It seems to be cut short: make it anew.',
    ],
    ['a.json', '[1]]', {}, 'a.json goes on after its list. It must be a list, or {"requests":[…]} and nothing else.'],
    [
      'a.json',
      '{"custom_id":"a"}\n{"custom_id":"b"}',
      {},
      'a.json must be a JSON list, or {"requests":[…]}. For one object a line, add --input-format jsonl.',
    ],
    [
      'a.txt',
      'x',
      {},
      'a.txt: its name does not say what it is. Add --input-format and one of jsonl, json, csv, tsv, parquet.',
    ],
    [
      'a.jsonl',
      'id,text\n1,x\n',
      TEMPLATE,
      'a.jsonl is read as JSON, one object a line, but seems to be a table that begins with "id,text". Add --input-format csv.',
    ],
    [
      'a.jsonl',
      '[\n{"text":"x"}\n]\n',
      TEMPLATE,
      'a.jsonl is read as JSON, one object a line, but seems to be a JSON list. Add --input-format json.',
    ],
    [
      'a.parquet',
      'id,text\n1,x\n',
      TEMPLATE,
      'a.parquet is not Parquet: it begins with "id,text". Add --input-format csv.',
    ],
    ['a.parquet', gzipSync('x'), TEMPLATE, 'a.parquet is not Parquet. Name another file.'],
    [
      'a.csv',
      'text\nx\n',
      { ...TEMPLATE, delimiter: ';;' },
      `--delimiter is ";;", but must be one character, such as ';', or tab.`,
    ],
    [
      'a.jsonl',
      '{"text":"x"}\n',
      { ...TEMPLATE, delimiter: ';' },
      '--delimiter is about CSV, but the input is jsonl. Leave it out, or add --input-format csv.',
    ],
    [
      'a.csv',
      'id,text\n1,\n2, \n',
      { prompt: '{{text}}', model: 'm', skipEmpty: true },
      'Every row of a.csv makes an empty prompt, so --skip-empty leaves none to ask.',
    ],
    [
      'a.jsonl',
      '',
      { inputFormat: 'xml' },
      '--input-format is "xml", but must be one of jsonl, json, csv, tsv, parquet.',
    ],
    [
      'a.jsonl.gz',
      gzipSync(request('a')).subarray(0, 30),
      {},
      'a.jsonl.gz: the gzip file ends too early. Fetch it or make it anew.',
    ],
    [
      'a.parquet',
      'PAR1 nothing PAR1',
      TEMPLATE,
      'a.parquet cannot be read as Parquet: metadata length 543649385 exceeds available buffer 9. Write it anew.',
    ],
  ];

  it.each(cases)('%s: %j', async (name, content, options, message) => {
    await dir.write(name, content);
    expect(await told(name, options)).toBe(`BadRequestsError: ${message}`);
  });

  it('of a file that is not there', async () => {
    await dir.write('d/a.jsonl', '');
    expect(await told('no.jsonl')).toBe('BadRequestsError: no.jsonl: there is no such file. Paths are taken from DIR.');
    expect(await told('no.dat')).toBe('BadRequestsError: no.dat: there is no such file. Paths are taken from DIR.');
    expect(await told('d')).toBe('BadRequestsError: d is a directory. Name a file in it.');
  });

  it('of what is piped in and is no JSON', async () => {
    const piped = await inputDirectory('text\nx\n');
    const reading = openRequestSource('-', TEMPLATE, piped.host).then((source) => all(source.requests()));
    expect(await complaint(reading, piped)).toBe(
      'BadRequestsError: standard input is read as JSON, one object a line, but seems to be a table that begins with "text". Add --input-format csv.',
    );
    await piped.remove();
  });

  it('of what is piped in and must be a file', async () => {
    expect(await told('-', { ...TEMPLATE, inputFormat: 'parquet' })).toBe(
      'BadRequestsError: Parquet is read from its end, so standard input will not do. Save it to a file, and name that.',
    );
  });

  it('the first ten faults, and how many more there are', async () => {
    await dir.write('a.jsonl', `{"text":"a"}\n${'oops\n'.repeat(50)}`);
    const lines = (await told('a.jsonl', TEMPLATE)).split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[9]).toContain('a.jsonl line 11 is not JSON');
    expect(lines[10]).toBe('… and 40 more.');
  });

  it('of more faults than anybody counts', async () => {
    await dir.write('a.jsonl', 'oops\n'.repeat(20_000));
    expect((await told('a.jsonl', TEMPLATE)).split('\n').at(-1)).toBe('… and 9990 more, where reading stopped.');
  });

  it('of whole requests without what no model can do without, and of no field that is not known here', async () => {
    const wrong = ['{"model":"m"}', '{"model":"m","max_tokens":9}'];
    const lines = ['{"m\\u006fdel":"m","max_tokens":1,"messages":[],"new":1}', ...wrong];
    await dir.write('a.jsonl', lines.map((params, at) => `{"custom_id":"${at}","params":${params}}\n`).join(''));
    expect((await told('a.jsonl')).split('\n')).toEqual([
      'BadRequestsError: a.jsonl line 2: params.max_tokens: Field required. Add it to the request.',
      'a.jsonl line 3: params.messages: Field required. Add it to the request.',
    ]);
  });

  it('of rows beside sound ones, which are handed on for what else may be wrong with them', async () => {
    await dir.write('a.csv', 'id,text\n1,x\na b,y\n1,z\n');
    const source = await openRequestSource('a.csv', { ...TEMPLATE, idColumn: 'id' }, dir.host);
    const origins: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const { origin } of source.requests()) origins.push(origin);
    };
    expect(await complaint(reading(), dir)).toContain('a.csv line 3: "a b" in column "id"');
    expect(origins).toEqual(['a.csv line 2', 'a.csv line 4']);
  });
});

describe('the identity of a source', () => {
  const identity = async (options: InputOptions): Promise<Readonly<Record<string, string>>> =>
    (await openRequestSource('rows.csv', options, dir.host)).identity;

  it('names what it was made of', async () => {
    await dir.write('rows.csv', 'text\nx\n');
    await dir.write('doc.md', 'A text.');
    await dir.write('tool.json', '{"name":"t","input_schema":{"type":"object"}}');
    const found = await identity({ ...TEMPLATE, document: ['doc.md'], tool: ['tool.json'], maxTokens: '5' });
    expect(Object.keys(found).sort()).toEqual([
      '--document',
      '--max-tokens',
      '--model',
      '--prompt',
      '--tool',
      'input',
      'input changed',
      'input format',
      'input size',
    ]);
    expect([found['--model'], found['--prompt'], found['input size']]).toEqual([
      'claude-haiku-5-5',
      'Classify: {{text}}',
      '7',
    ]);
  });

  it('differs when a file that the template names says something else', async () => {
    await dir.write('rows.csv', 'text\nx\n');
    await dir.write('doc.md', 'A text.');
    await dir.write('system.md', 'Be brief.');
    const options = { ...TEMPLATE, document: ['doc.md'], system: '@system.md' };
    const before = await identity(options);
    expect(await identity(options)).toEqual(before);
    await dir.write('doc.md', 'Another.');
    const other = await identity(options);
    expect({ ...other, '--document': '' }).toEqual({ ...before, '--document': '' });
    expect(other).not.toEqual(before);
    await dir.write('system.md', 'Be long.');
    expect((await identity(options))['--system']).toBe('Be long.');
  });
});
