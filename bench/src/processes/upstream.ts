import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { answerCommands, startOptions } from './commands.ts';
import { seededRandom } from './request-bodies.ts';
import { contentLength } from './wire.ts';

/** An upstream that is not the bottleneck: HTTP/1.1 on bare sockets, the same answer to everything. */
export interface UpstreamOptions {
  /** Bytes of an answer's body. */
  readonly answerBytes: number;
  /** Answers come after this long, give or take the jitter, evenly spread. 0 answers at once. */
  readonly latencyMs?: number;
  readonly jitterMs?: number;
  /** Takes calls and leaves them open, until it is told to answer some. */
  readonly silent?: boolean;
  /** Speaks TLS with this key and certificate, as PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface Tally {
  /** Calls that came in whole. */
  readonly called: number;
  readonly answered: number;
  /** Monotonic and the same clock in every process of the machine, in milliseconds. */
  readonly firstCallMs: number;
  readonly lastAnswerMs: number;
  /** From a whole request to its answer, as it really was. */
  readonly meanLatencyMs: number;
  /** When this was said, on the same clock. */
  readonly atMs: number;
}

export type Upstream = {
  readonly port: () => Promise<number>;
  readonly tally: () => Tally;
  /** Starts a new tally. */
  readonly forget: () => void;
  /** A silent upstream answers so many calls, those that already wait first. */
  readonly answerSome: (calls: number) => void;
};

const { answerBytes, latencyMs = 0, jitterMs = 0, silent = false, tls } = startOptions() as UpstreamOptions;
const HEAD_END = Buffer.from('\r\n\r\n');
const ANSWER = makeAnswer();
const random = seededRandom(7);

/** Calls that may still be answered. */
let allowed = silent ? 0 : Infinity;
let held: (() => void)[] = [];
let called = 0;
let answered = 0;
let firstCallMs = 0;
let lastAnswerMs = 0;
let latencySumMs = 0;

const server =
  tls === undefined
    ? createServer({ noDelay: true }, serve)
    : createTlsServer({ ...tls, noDelay: true, ALPNProtocols: ['http/1.1'] }, serve);
const listening = new Promise<number>((resolve) => {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => resolve((server.address() as AddressInfo).port));
});
answerCommands({
  port: () => listening,
  tally: () => ({
    called,
    answered,
    firstCallMs,
    lastAnswerMs,
    meanLatencyMs: latencySumMs / Math.max(1, answered),
    atMs: nowMs(),
  }),
  forget: () => {
    [called, answered, firstCallMs, lastAnswerMs, latencySumMs] = [0, 0, 0, 0, 0];
  },
  answerSome: (calls) => {
    allowed += calls;
    const waiting = held;
    held = [];
    for (const answer of waiting) answer();
  },
} satisfies Upstream);

function serve(socket: Socket): void {
  const connection = new Connection(socket);
  socket.on('data', (chunk: Buffer) => connection.take(chunk));
  socket.on('error', () => socket.destroy());
}

/** Finds the ends of requests in what a connection sends. Bodies are counted and not looked at. */
class Connection {
  readonly #socket: Socket;
  #missing = 0;
  #head: Buffer | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#missing > 0) {
        const skipped = Math.min(this.#missing, rest.length);
        this.#missing -= skipped;
        rest = rest.subarray(skipped);
        if (this.#missing === 0) this.#called();
        continue;
      }
      const bytes = this.#head === null ? rest : Buffer.concat([this.#head, rest]);
      const end = bytes.indexOf(HEAD_END);
      this.#head = end < 0 ? bytes : null;
      if (end < 0) return;
      this.#missing = contentLength(bytes.toString('latin1', 0, end));
      rest = bytes.subarray(end + HEAD_END.length);
      if (this.#missing === 0) this.#called();
    }
  }

  #called(): void {
    called++;
    this.#answer();
  }

  #answer(): void {
    const calledMs = nowMs();
    if (firstCallMs === 0) firstCallMs = calledMs;
    if (allowed === 0) return void held.push(() => this.#answer());
    allowed--;
    if (latencyMs === 0) return this.#send(calledMs);
    setTimeout(() => this.#send(calledMs), latencyMs + jitterMs * (2 * random() - 1));
  }

  #send(calledMs: number): void {
    lastAnswerMs = nowMs();
    latencySumMs += lastAnswerMs - calledMs;
    answered++;
    this.#socket.write(ANSWER);
  }
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function makeAnswer(): Buffer {
  const message = (text: string): string =>
    JSON.stringify({
      id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
      type: 'message',
      role: 'assistant',
      model: 'local-model-1',
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 6 },
    });
  const padding = Math.max(0, answerBytes - message('').length);
  const body = message('lorem ipsum dolor '.repeat(Math.ceil(padding / 18)).slice(0, padding));
  return Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n' +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
}
