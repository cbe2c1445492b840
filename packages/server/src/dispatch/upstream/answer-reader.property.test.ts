import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerFault, type AnswerFields } from './answer-head.ts';
import { AnswerReader, type Reading } from './answer-reader.ts';

interface Read {
  readonly reading: Reading | 'fault';
  readonly heads: readonly { readonly status: number; readonly headers: AnswerFields }[];
  readonly body: string;
  readonly keepsAlive: boolean;
}

/** Reads pieces as a connection would; the other side closes after the last. */
function read(pieces: readonly Buffer[], reader = new AnswerReader()): Read {
  const heads: { status: number; headers: AnswerFields }[] = [];
  const body: Buffer[] = [];
  const sink = {
    onHead: (status: number, headers: AnswerFields) => heads.push({ status, headers }) > 0,
    onBody: (bytes: Buffer) => body.push(Buffer.from(bytes)) > 0,
  };
  let reading: Reading | 'fault' = 'more';
  try {
    reader.begin();
    for (const piece of pieces) if (reading === 'more') reading = reader.read(piece, sink);
    if (reading === 'more' && reader.close()) reading = 'over';
  } catch (error) {
    if (!(error instanceof AnswerFault)) throw error;
    reading = 'fault';
  }
  return { reading, heads, body: Buffer.concat(body).toString('latin1'), keepsAlive: reader.keepsAlive };
}

const whole = (text: string): Read => read([Buffer.from(text, 'latin1')]);

/** The text cut at these places, wherever they lie. */
function cutAt(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

const interim = fc.constantFrom(
  '',
  '',
  'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
);
const status = fc.constantFrom(200, 200, 400, 404, 429, 500, 529);
const fields = fc.constantFrom('', 'x-a: 1\r\nX-A:\t2 \r\n', 'request-id: req_1\r\nserver:\r\n', 'date: \x80\xff\r\n');
const bodies = fc.stringMatching(/^[\x20-\x7e\r\n]{0,60}$/);

interface Sent {
  readonly text: string;
  readonly status: number;
  readonly body: string;
  readonly keepsAlive: boolean;
}

const ofLength = fc
  .record({ interim, status, fields, body: bodies })
  .map(({ interim: before, status: code, fields: some, body }): Sent => ({
    text: `${before}HTTP/1.1 ${code} Words\r\n${some}Content-Length: ${body.length}\r\n\r\n${body}`,
    status: code,
    body,
    keepsAlive: true,
  }));
const inChunks = fc
  .record({
    status,
    fields,
    chunks: fc.array(bodies, { maxLength: 5 }),
    extension: fc.constantFrom('', ';a=b', ' ; "x"'),
    trailers: fc.constantFrom('', 'x-sum: 1\r\nx-b: 2\r\n'),
  })
  .map(({ status: code, fields: some, chunks, extension, trailers }): Sent => {
    const full = chunks.filter((chunk) => chunk !== '');
    const sent = full.map((chunk) => `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`).join('');
    return {
      text: `HTTP/1.1 ${code}\r\n${some}transfer-encoding: Chunked\r\n\r\n${sent}0\r\n${trailers}\r\n`,
      status: code,
      body: full.join(''),
      keepsAlive: true,
    };
  });
const untilClose = fc
  .record({ status, fields, body: bodies, minor: fc.constantFrom(0, 1) })
  .map(({ status: code, fields: some, body, minor }): Sent => ({
    text: `HTTP/1.${minor} ${code} \r\n${some}\r\n${body}`,
    status: code,
    body,
    keepsAlive: false,
  }));
const answers = fc.oneof(ofLength, inChunks, untilClose);

describe('AnswerReader', () => {
  it('reads the same answer however it is cut', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(), { maxLength: 40 }), (sent, cuts) => {
        const found = read(cutAt(sent.text, cuts));
        expect(found.reading).toBe('over');
        expect(found.heads.map((head) => head.status)).toEqual([sent.status]);
        expect(found.body).toBe(sent.body);
        expect(found.keepsAlive).toBe(sent.keepsAlive);
        expect(found.heads).toEqual(whole(sent.text).heads);
      }),
      { numRuns: 3000 },
    );
  });

  it('reads one answer after another off the same connection', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(ofLength, inChunks), { minLength: 2, maxLength: 5 }), fc.nat(), (sent, cut) => {
        const reader = new AnswerReader();
        for (const { text, body } of sent) {
          expect(read(cutAt(text, [cut]), reader)).toMatchObject({ reading: 'over', body, keepsAlive: true });
        }
      }),
    );
  });

  it('takes no answer for whole that was cut short', () => {
    fc.assert(
      fc.property(fc.oneof(ofLength, inChunks), fc.nat(), (sent, cut) => {
        const text = sent.text.slice(0, cut % sent.text.length);
        // Of an answer without a body the head is all; nothing less is.
        expect(read([Buffer.from(text, 'latin1')]).reading).toBe('more');
      }),
      { numRuns: 2000 },
    );
  });

  it('says so, and nothing worse, of bytes that are no answer', () => {
    const damage = fc.record({
      at: fc.nat(),
      removed: fc.nat(3),
      inserted: fc.constantFrom('', '\r', '\n', '\0', ':', ' ', 'f', '\r\n\r\n'),
    });
    fc.assert(
      fc.property(
        answers,
        damage,
        fc.array(fc.nat(), { maxLength: 5 }),
        ({ text }, { at, removed, inserted }, cuts) => {
          const place = at % text.length;
          const damaged = text.slice(0, place) + inserted + text.slice(place + removed);
          const [once, cut] = [whole(damaged), read(cutAt(damaged, cuts))];
          expect(cut.heads).toEqual(once.heads);
          // In pieces a fault may show before the last of them, and what is behind an answer after it.
          expect([cut.reading, once.reading]).toEqual([once.reading, once.reading]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['no HTTP at all', '<html>\r\n\r\n'],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunks of an old version', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a coding nobody asked for', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['a length in parts', 'HTTP/1.1 200 OK\r\ncontent-length: 1_0\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\na: b\r\n c: d\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\nhello'],
    ['a line feed alone', 'HTTP/1.1 200 OK\r\na: b\ncontent-length: 0\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk longer than it says', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n'],
    ['a chunk’s size with a line feed alone', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\na\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(70_000)}`],
    ['many trailers', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(20_000)}`],
    ['words of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a first byte that begins no answer', '\x15'],
    ['trailers without end', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: ${'b'.repeat(70_000)}`],
  ])('finds fault with %s', (_, text) => {
    expect(whole(text).reading).toBe('fault');
  });

  it.each([
    ['it says so', 'HTTP/1.1 200 OK\r\nconnection: Keep-Alive, Close\r\ncontent-length: 0\r\n\r\n', false],
    ['it is old', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', false],
    [
      'it is old but says that it stays',
      'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n',
      true,
    ],
    ['something follows that nobody asked for', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab', false],
    ['it has no body by its status', 'HTTP/1.1 204 No Content\r\n\r\n', true],
  ])('knows whether a connection can be used again when %s', (_, text, keepsAlive) => {
    expect(whole(text)).toMatchObject({ reading: 'over', keepsAlive });
  });

  it.each([
    ['timeout=5, max=100', 5],
    ['max=100, Timeout = 7', 7],
    ['max=100', null],
  ])('reads from keep-alive %j how long it stays', (field, seconds) => {
    const reader = new AnswerReader();
    read([Buffer.from(`HTTP/1.1 200 OK\r\nkeep-alive: ${field}\r\ncontent-length: 0\r\n\r\n`)], reader);
    expect(reader.idleSeconds).toBe(seconds);
  });

  it('names no field after what all objects have', () => {
    const { heads } = whole('HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\ncontent-length: 0\r\n\r\n');
    expect(Object.entries(heads[0]?.headers ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['content-length', '0'],
    ]);
  });

  it('stops at once when nobody wants more', () => {
    const reader = new AnswerReader();
    reader.begin();
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
    expect(reader.read(bytes, { onHead: () => false, onBody: () => expect.unreachable() })).toBe('unwanted');
  });
});
