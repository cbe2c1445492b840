import type { UpstreamEvents } from '../../packages/server/src/dispatch/upstream/upstream.ts';

/** What an answer says: to which prompt, and what it claims to have cost. */
export interface Said {
  readonly prompt: string;
  /** No two answers have the same; it stands in the text, since an upstream's own ids may be anybody's. */
  readonly serial: number;
  readonly model: string | undefined;
  readonly usage: Readonly<Record<string, unknown>>;
  /** Bytes that the answer is longer than it need be. */
  readonly paddingBytes: number;
}

export type Answer = (events: UpstreamEvents, said: Said) => void;

/** An answer that begins, and ends some time later. */
export interface StreamedAnswer {
  begin(events: UpstreamEvents, said: Said): void;
  end(events: UpstreamEvents, said: Said): void;
}

/** Who answers: models with a price and without, and nobody. */
export const MODELS = ['claude-sonnet-4-5', 'claude-haiku-4-5', 'some-local-model', undefined];

/** What upstreams say of their caches, true or not: nobody may wait for ever because of it. */
export const USAGES: readonly Said['usage'][] = [
  { input_tokens: 1 },
  { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  { input_tokens: 1, cache_creation_input_tokens: 1500, cache_read_input_tokens: 0 },
  { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 1500 },
  { input_tokens: 1, cache_creation_input_tokens: 700, cache_read_input_tokens: 300 },
  {
    input_tokens: 3,
    cache_creation_input_tokens: 1500,
    cache_creation: { ephemeral_5m_input_tokens: 1499, ephemeral_1h_input_tokens: 1 },
    inference_geo: 'us',
  },
];

const respond =
  (status: number, body: string | Uint8Array, headers: Record<string, string> = {}): Answer =>
  (events) => {
    events.onHead(status, { 'content-type': 'application/json', ...headers });
    events.onData(Buffer.from(body));
    events.onEnd();
  };

const envelope = (type: string, message: string, details?: object): string =>
  JSON.stringify({ type: 'error', error: { type, message, ...(details === undefined ? {} : { details }) } });

export const textOf = ({ prompt, serial }: Said): string => `answer ${serial} to ${prompt}`;

function message(said: Said): Buffer {
  const { model, usage, paddingBytes } = said;
  const padding = paddingBytes === 0 ? [] : [{ type: 'text', text: 'x'.repeat(paddingBytes) }];
  return Buffer.from(
    JSON.stringify({
      id: 'msg_1',
      type: 'message',
      model,
      content: [{ type: 'text', text: textOf(said) }, ...padding],
      usage: { ...usage, output_tokens: 1, service_tier: 'standard' },
    }),
  );
}

export const SUCCESS: Answer = (events, said) => {
  const bytes = message(said);
  const half = bytes.length >> 1;
  events.onHead(200, { 'content-type': 'application/json' });
  events.onData(bytes.subarray(0, half));
  events.onData(bytes.subarray(half));
  events.onEnd();
};

export const REFUSAL: Answer = respond(400, envelope('invalid_request_error', 'messages: this one is refused'));

/** Waits that nobody can mean, beside those that some do. */
const WAITS: readonly string[] = [
  ...['0', '0.5', '7', '-5', '', 'soon', 'NaN', '1e9', '0x10', '99999999999', '999999999999999999999'],
  ...['Thu, 01 Jan 1970 00:00:00 GMT', 'Wed, 21 Oct 2099 07:28:00 GMT', 'Wed, 99 Foo 2026 99:99:99 GMT'],
];

const LIMITS: readonly Record<string, string>[] = [
  { 'anthropic-ratelimit-requests-remaining': '0', 'anthropic-ratelimit-requests-reset': '2199-01-01T00:00:00Z' },
  { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '1999-01-01T00:00:00Z' },
  { 'anthropic-ratelimit-tokens-remaining': '-1', 'anthropic-ratelimit-tokens-reset': 'tomorrow' },
];

/** An upstream that has no room, and says so in every way. */
export const STORM: readonly Answer[] = [
  respond(429, envelope('rate_limit_error', 'slow down')),
  respond(529, envelope('overloaded_error', 'busy')),
  respond(503, ''),
  ...WAITS.flatMap((wait) => [
    respond(429, envelope('rate_limit_error', 'slow down'), { 'retry-after': wait }),
    respond(529, envelope('overloaded_error', 'busy'), { 'retry-after': wait }),
  ]),
  ...LIMITS.map((headers) => respond(429, envelope('rate_limit_error', 'slow down'), headers)),
];

/** A status that promises an answer, and none that is one. */
const BROKEN_BODIES: readonly (string | Uint8Array)[] = [
  ...['{"id":"msg_half","content":[{"type":"te', '', '"a string"', 'null', '[]', '[{"type":"message"}]', '17', 'true'],
  ...['<html><body>200 OK</body></html>', envelope('overloaded_error', 'busy'), '{"id":"msg_1"}{"id":"msg_2"}', '{,}'],
  ...[Uint8Array.from([0xff, 0xfe, 0, 1, 2, 0x80]), Uint8Array.from([0x7b, 0xff, 0x7d]), '\u{feff}null'],
];

const BROKEN: readonly Answer[] = [
  ...BROKEN_BODIES.map((body) => respond(200, body)),
  respond(200, 'not gzip', { 'content-encoding': 'gzip' }),
  respond(200, '<html></html>', { 'content-type': 'text/html' }),
];

const RESET = 'ECONNRESET: socket hang up';

/** A connection that ends early, at each moment at which it can. */
const RESETS: readonly Answer[] = [
  (events) => events.onFailure(RESET, false),
  (events) => events.onFailure('UND_ERR_BODY_TIMEOUT', true),
  (events) => {
    events.onHead(200, {});
    events.onFailure(RESET, false);
  },
  (events) => {
    events.onHead(200, {});
    events.onData(Buffer.from('{"half":'));
    events.onFailure('UND_ERR_SOCKET: other side closed', false);
  },
  // The whole message, and then no end: it was not known to be whole.
  (events, said) => {
    events.onHead(200, { 'content-type': 'application/json' });
    events.onData(message(said));
    events.onFailure(RESET, false);
  },
];

/** Answers that come twice, or go on after they ended: only the first may count. */
const TWICE: readonly Answer[] = [
  (events, said) => {
    SUCCESS(events, said);
    events.onEnd();
    events.onFailure('too late', false);
  },
  (events, said) => {
    SUCCESS(events, said);
    SUCCESS(events, { ...said, serial: said.serial + 0.5 });
  },
  (events, said) => {
    SUCCESS(events, said);
    respond(429, envelope('rate_limit_error', 'slow down'), { 'retry-after': '60' })(events, said);
  },
];

const PIECE = new Uint8Array(1024 * 1024).fill(0x20);

/** Longer than any answer may be; no more than one piece is ever in memory. */
const ENDLESS: Answer = (events) => {
  events.onHead(200, { 'content-type': 'application/json' });
  for (let pieces = 0; pieces < 80; pieces++) events.onData(PIECE);
  events.onEnd();
};

export const HOSTILE: readonly Answer[] = [
  ...STORM,
  ...BROKEN,
  ...RESETS,
  ...TWICE,
  ENDLESS,
  respond(429, envelope('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' })),
  respond(401, envelope('authentication_error', 'no such key')),
  respond(500, envelope('api_error', 'oops')),
  respond(502, '<html>bad gateway</html>'),
  respond(504, ''),
  respond(404, 'not here'),
  respond(302, '', { location: 'http://elsewhere' }),
  respond(100, ''),
  // Headers of somebody else's request, around one's own answer.
  (events, said) => {
    events.onHead(200, { 'request-id': 'req_of_another', 'x-custom-id': 'another' });
    events.onData(message(said));
    events.onEnd();
  },
  // A message by the byte.
  (events, said) => {
    events.onHead(200, { 'content-type': 'application/json' });
    for (const byte of message(said)) events.onData(Uint8Array.of(byte));
    events.onEnd();
  },
  SUCCESS,
];

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

function startOfStream(events: UpstreamEvents, { model, usage }: Said): void {
  const started = { id: 'msg_1', type: 'message', model, content: [], usage: { ...usage, output_tokens: 1 } };
  events.onHead(200, { 'content-type': 'text/event-stream' });
  events.onData(Buffer.from(event('message_start', { message: started })));
}

function restOfStream(events: UpstreamEvents, said: Said): void {
  const rest = [
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: textOf(said) } }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } }),
    event('message_stop', {}),
  ].join('');
  const half = rest.length >> 1;
  events.onData(Buffer.from(rest.slice(0, half)));
  events.onData(Buffer.from(rest.slice(half)));
}

export const STREAM: StreamedAnswer = {
  begin: startOfStream,
  end: (events, said) => {
    restOfStream(events, said);
    events.onEnd();
  },
};

/** What a stream can do besides. */
export const HOSTILE_TO_STREAMS: readonly (Answer | StreamedAnswer)[] = [
  ...HOSTILE,
  STREAM,
  { begin: startOfStream, end: (events) => events.onFailure(RESET, false) },
  { begin: startOfStream, end: (events) => events.onEnd() },
  {
    begin: startOfStream,
    end: (events) => {
      events.onData(Buffer.from(event('error', { error: { type: 'overloaded_error', message: 'busy' } })));
      events.onEnd();
    },
  },
  {
    begin: (events) => events.onHead(200, { 'content-type': 'text/event-stream' }),
    end: (events) => {
      events.onData(Buffer.from('event: message_start\ndata: {"type":"mess\n\n'));
      events.onEnd();
    },
  },
  // Goes on after its end; nothing of that may count.
  {
    begin: startOfStream,
    end: (events, said) => {
      restOfStream(events, said);
      restOfStream(events, { ...said, serial: said.serial + 0.5 });
      events.onEnd();
      events.onFailure('too late', false);
    },
  },
];
