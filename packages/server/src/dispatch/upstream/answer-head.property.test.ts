import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerFault, readHead } from './answer-head.ts';

const name = fc.constantFrom(
  'x-a',
  'X-A',
  'x-ab',
  'date',
  'Date',
  'content-length',
  '__proto__',
  'constructor',
  'x a',
  '',
  'x-a:',
);
const value = fc.oneof(
  fc.constantFrom('', ' 1', '1', '12', ' 12 ', '\t', ':', ' a:b', 'é', '\u0001', 'a\rb', 'a\nb', '1\r\n 2', '1\r'),
  fc.stringMatching(/^[ -~]{0,12}$/),
);
const line = fc.tuple(name, fc.constantFrom(':', ':', ':', ''), value).map((parts) => parts.join(''));
const head = fc
  .tuple(
    fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 404', 'HTTP/1.1 200', 'HTTP/2 200'),
    fc.array(line, { maxLength: 5 }),
  )
  .map(([status, lines]) => [status, ...lines].join('\r\n'));

/** What a head says, read by the rules alone. */
function plainly(text: string): unknown {
  const [status = '', ...lines] = text.split('\r\n');
  if (!/^HTTP\/1\.[01] [1-9]\d\d( |$)/.test(status.split('\r')[0] ?? '')) return 'fault';
  const fields = new Map<string, string[]>();
  for (const [i, field] of lines.entries()) {
    // Nothing stands behind the last line end.
    if (field === '' && i === lines.length - 1) continue;
    const found = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):([^]*)$/.exec(field);
    const said = found?.[2]?.trim() ?? '';
    if (found === null || !/^[\t\x20-\x7e\x80-\xff]*$/.test(said)) return 'fault';
    const key = (found[1] as string).toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), said]);
  }
  const headers = [...fields].map(([key, values]) => [key, values.length === 1 ? values[0] : values]);
  return { status: Number(status.slice(9, 12)), minor: Number(status[7]), headers };
}

function read(text: string): unknown {
  try {
    const { status, minor, headers } = readHead(text);
    return { status, minor, headers: Object.entries(headers) };
  } catch (error) {
    if (error instanceof AnswerFault) return 'fault';
    throw error;
  }
}

test('a head says the same whatever heads were read before it', () => {
  fc.assert(
    fc.property(fc.array(head, { minLength: 1, maxLength: 12 }), (heads) => {
      for (const text of heads) expect(read(text)).toEqual(plainly(text));
    }),
    { numRuns: 2000 },
  );
});

test('names that objects know by themselves are names like any other', () => {
  const { headers } = readHead('HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b');
  expect(headers['__proto__']).toBe('a');
  expect(headers['constructor']).toBe('b');
  expect(readHead('HTTP/1.1 200 OK').headers['constructor']).toBe(undefined);
});
