import fc from 'fast-check';
import { ROUTES } from '../../packages/server/src/http/routes.ts';
import { BATCHES, MODEL } from '../harness/batches.ts';

/** One thing said to a server over a socket of its own, in the pieces it is said in. */
export interface MalformedCall {
  readonly pieces: readonly Buffer[];
  /**
   * `whole`: the server has all it needs and must answer. `unsure`: it may also wait for more. `cut`: we hang up after the
   * last byte, and it may say nothing at all.
   */
  readonly end: 'whole' | 'unsure' | 'cut';
}

/** What every call names, so that it gets as far into the server as what is wrong with it allows. */
export interface Credentials {
  readonly key: string;
  /** A batch that runs, and will not end. */
  readonly batchId: string;
  /** Of the same workspace, and of another. */
  readonly otherIds: readonly string[];
}

const VALID_BODY = JSON.stringify({
  requests: Array.from({ length: 3 }, (_, i) => ({
    custom_id: `item-${i}`,
    params: { model: MODEL, max_tokens: 16, messages: [{ role: 'user', content: `Say "${i}" \u00e9 \\u0041` }] },
  })),
});

const JSON_TOKENS = ['"', '\\', '\\u', '\\ud800', '{', '}', '[', ']', ',', ':', 'null', '1e999', '-', '0x1', '00'];
const JSON_PARTS = ['"__proto__":{},', '"requests":[],', '"custom_id":1,', '{"a":'.repeat(300), 'x'.repeat(5000)];
const BLANKS = ['\r\n', '\n', '\r', ' ', '\t', '\0', '\ufeff', '\u2028'];
const HTTP_TOKENS = ['HTTP/1.1', '%00', '..', '/', '%', '%ff', '?', '#', ';', 'é', '😀'];
const NOT_UTF8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]];

/** Bytes that a scanner of JSON or HTTP might trip over when they stand where nothing like them belongs. */
const NASTY: readonly Buffer[] = [
  ...[...JSON_TOKENS, ...JSON_PARTS, ...BLANKS, ...HTTP_TOKENS].map((text) => Buffer.from(text)),
  ...NOT_UTF8.map((bytes) => Buffer.from(bytes)),
];

/** Ids as they stand in a path or a query: none that was ever made, and shapes that mean something to a store. */
export const ODD_IDS = [
  'msgbatch_none',
  '..',
  '%2e%2e',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e%5c%2e%2e',
  '%00',
  'msgbatch_01%00',
  '%0d%0ax-injected:%201',
  '%u202e',
  '%e2%80%ae',
  '%ff%fe',
  '%f0%9f%98%80',
  "'%20OR%201=1--",
  '%22;DROP%20TABLE%20batches;--',
  '%27%20UNION%20SELECT%20sha256%20FROM%20api_keys--',
  '%25_%25',
  '*',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'NaN',
  '-1',
  'a'.repeat(8000),
] as const;

const ODD_VALUES = [
  '',
  '0',
  '1',
  '1e9',
  '-1',
  '1.5',
  '0x10',
  '9007199254740993',
  'true',
  '[]',
  'null',
  '%',
  '%zz',
  '+1',
];
const QUERY_NAMES = [
  ...['limit', 'after_id', 'before_id', 'cursor', 'wait', 'include', 'from', 'to', 'beta'],
  ...['__proto__', 'constructor', 'limit%00', 'limit[]', '', '%'],
];
const ODD_BODIES = [
  '',
  '{}',
  '[]',
  'null',
  '0',
  '"x"',
  '{"usd":1e308}',
  '{"usd":"__proto__"}',
  '{"usd":{"toString":1}}',
  '{"__proto__":{"usd":1}}',
  '{"constructor":{"prototype":{}}}',
  '{"types":["__proto__"]}',
  '{"types":["errored"],"error_types":["constructor"]}',
  '{"types":{"length":1}}',
  '{"model":"__proto__","max_tokens":1,"messages":[]}',
  '{"model":"constructor","max_tokens":1e9,"messages":[{"role":"user","content":"x"}]}',
  '{"requests":[{"custom_id":"__proto__","params":{"__proto__":null}}]}',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  `{"requests":[{"custom_id":"a","params":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}]}`,
];

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Buffer;
}

const insert: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
);

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), remove: fc.nat({ max: 12 }), insert }),
  { minLength: 1, maxLength: 4 },
);

function edited(source: Buffer, changes: readonly Edit[]): Buffer {
  return changes.reduce((bytes, { at, remove, insert }) => {
    const start = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
  }, source);
}

/** Cuts bytes into pieces, each a write of its own. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

function cut(bytes: Buffer, at: readonly number[]): readonly Buffer[] {
  const places = [0, ...at.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

/** Every kind of malformed call. */
export function malformedCalls({ key, batchId, otherIds }: Credentials): fc.Arbitrary<MalformedCall> {
  const common = `host: a\r\nx-api-key: ${key}\r\nanthropic-version: 2023-06-01\r\nconnection: close\r\n`;
  const paths = [BATCHES, `${BATCHES}/${batchId}`, `${BATCHES}/${batchId}/cancel`, `${BATCHES}/${batchId}/results`];
  const post = (body: Buffer, headers = ''): Buffer =>
    Buffer.concat([
      Buffer.from(`POST ${BATCHES} HTTP/1.1\r\n${common}${headers}content-length: ${body.length}\r\n\r\n`),
      body,
    ]);

  const wrongBody = fc.record({ edits, cuts }).map(({ edits, cuts }) => ({
    pieces: cut(post(edited(Buffer.from(VALID_BODY), edits)), cuts),
    end: 'whole' as const,
  }));

  const chunkedBody = fc.record({ edits, cuts, spoilt: fc.boolean() }).map(({ edits, cuts, spoilt }) => {
    const body = edited(Buffer.from(VALID_BODY), edits);
    const chunks = cut(body, cuts).filter((piece) => piece.length > 0);
    const framed = chunks.flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]);
    const end = spoilt ? 'zz\r\n\r\n' : '0\r\n\r\n';
    const head = Buffer.from(`POST ${BATCHES} HTTP/1.1\r\n${common}transfer-encoding: chunked\r\n\r\n`);
    return { pieces: [head, ...framed, Buffer.from(end)], end: 'whole' as const };
  });

  const wrongEncoding = fc
    .record({ encoding: fc.constantFrom('gzip', 'br', 'deflate', 'zstd', 'gzip, br', '\u00ff'), edits })
    .map(({ encoding, edits }) => ({
      pieces: [post(edited(Buffer.from(VALID_BODY), edits), `content-encoding: ${encoding}\r\n`)],
      end: 'whole' as const,
    }));

  const wrongPath = fc
    .record({
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'OPTIONS'),
      path: fc.constantFrom(...paths),
      edits,
    })
    .map(({ method, path, edits }) => {
      const target = edited(Buffer.from(`${path}?limit=2&after_id=${batchId}`), edits);
      const head = Buffer.from(` HTTP/1.1\r\n${common}content-length: 0\r\n\r\n`);
      return { pieces: [Buffer.concat([Buffer.from(`${method} `), target, head])], end: 'unsure' as const };
    });

  const wrongHead = fc.record({ path: fc.constantFrom(...paths), edits, cuts }).map(({ path, edits, cuts }) => {
    const head = Buffer.from(`GET ${path} HTTP/1.1\r\n${common}batchwright-options: {}\r\nanthropic-beta: a,b\r\n\r\n`);
    return { pieces: cut(edited(head, edits), cuts), end: 'unsure' as const };
  });

  const wrongValue = fc
    .record({
      name: fc.constantFrom(
        'anthropic-version',
        'anthropic-beta',
        'batchwright-options',
        'anthropic-workspace-id',
        'expect',
        'x-forwarded-host',
        'x-forwarded-proto',
        'x-forwarded-prefix',
        'content-type',
        'anthropic-user-profile-id',
        'authorization',
      ),
      value: fc.oneof(
        fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
        fc.constantFrom('{"counts":', '{"counts":1}', '[]', '", "', 'null'),
      ),
    })
    .map(({ name, value }) => ({
      pieces: [post(Buffer.from(VALID_BODY), `${name}: ${value.trim()}\r\n`)],
      end: 'whole' as const,
    }));

  const cutShort = fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), cuts }).map(({ share, cuts }) => {
    const whole = post(Buffer.from(VALID_BODY));
    return { pieces: cut(whole.subarray(0, Math.floor(share * whole.length)), cuts), end: 'cut' as const };
  });

  const noise = fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => ({ pieces: [Buffer.from(bytes)], end: 'cut' as const }));

  const oddRoute = fc
    .record({
      route: fc.constantFrom(...ROUTES),
      method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'POST', 'DELETE', 'HEAD', 'PATCH'),
      asTheTableSays: fc.boolean(),
      ids: fc.array(fc.oneof(fc.constantFrom(batchId, ...otherIds), fc.constantFrom(...ODD_IDS)), {
        minLength: 2,
        maxLength: 2,
      }),
      query: fc.array(fc.tuple(fc.constantFrom(...QUERY_NAMES), fc.constantFrom(...ODD_IDS, ...ODD_VALUES)), {
        maxLength: 3,
      }),
      body: fc.oneof(
        fc.constantFrom(...ODD_BODIES),
        fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
      ),
    })
    .map(({ route, method, asTheTableSays, ids, query, body }): MalformedCall => {
      const [first = '', second = ''] = ids;
      const path = route.path.replace(/\{message_batch_id\}|\{model_id\}/, first).replace('{custom_id}', second);
      const asked = query.length === 0 ? '' : `?${query.map(([name, value]) => `${name}=${value}`).join('&')}`;
      const verb = asTheTableSays ? route.method : method;
      const bytes = Buffer.from(verb === 'POST' ? body : '');
      const head = `${verb} ${path}${asked} HTTP/1.1\r\n${common}content-length: ${bytes.length}\r\n\r\n`;
      // What waits for news may do so for as long as it likes.
      const mayWait = route.path.endsWith('/events') || asked.includes('wait=');
      return { pieces: [Buffer.concat([Buffer.from(head), bytes])], end: mayWait ? 'unsure' : 'whole' };
    });

  return fc.oneof(
    { weight: 4, arbitrary: oddRoute },
    { weight: 5, arbitrary: wrongBody },
    { weight: 2, arbitrary: chunkedBody },
    { weight: 1, arbitrary: wrongEncoding },
    { weight: 2, arbitrary: wrongPath },
    { weight: 2, arbitrary: wrongHead },
    { weight: 2, arbitrary: wrongValue },
    { weight: 1, arbitrary: cutShort },
    { weight: 1, arbitrary: noise },
  );
}
