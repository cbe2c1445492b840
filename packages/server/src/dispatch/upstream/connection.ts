import type { AnswerFields } from './answer-head.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { COPIED_BODY_BYTES, type UpstreamEvents } from './upstream.ts';
import type { OnReadOpts, Socket } from 'node:net';

/**
 * One connection to an upstream, which serves one call at a time: sends a request, reads its answer, and is free for the
 * next when both ended as HTTP/1.1 has it. Every other end closes it.
 *
 * Invariant: what is read while no call is on it, or after its answer, is never taken for an answer.
 */
export interface ConnectionOptions {
  /** Begins to connect; `onread` is to take what arrives. */
  readonly connect: (onread: OnReadOpts) => Socket;
  readonly isSecure: boolean;
  readonly timeouts: ConnectionTimeouts;
  readonly owner: ConnectionOwner;
}

/** In turns of the owner's watch. */
export interface ConnectionTimeouts {
  readonly connecting: number;
  /** For the head of an answer, and between two pieces of its body. */
  readonly silence: number;
  readonly idle: number;
}

export interface ConnectionOwner {
  /** Turns of its watch so far: a clock that costs nothing to read. */
  readonly watchTurn: number;
  /** Turns that this many seconds take. */
  turnsOf(seconds: number): number;
  /** The call is over, and the connection free for another; the owner calls `rested` when it may be sent. */
  onFree(connection: Connection): void;
  onClosed(connection: Connection): void;
  /** The other side closed the connection before the request went out: it needs another. */
  onUnsent(exchange: Exchange): void;
}

/** A request on its way, and who hears of its answer. */
export class Exchange {
  readonly head: string;
  readonly body: Uint8Array | null;
  readonly events: UpstreamEvents;
  /** The one it is on; another when the first was closed too early. */
  connection: Connection | null = null;

  constructor(head: string, body: Uint8Array | null, events: UpstreamEvents) {
    this.head = head;
    this.body = body;
    this.events = events;
  }

  cancel(): void {
    this.connection?.cancel(this);
  }
}

/** Why a call has failed when its connection was given up from this side. */
interface Failure {
  readonly reason: string;
  readonly isTimeout: boolean;
}

type Phase = 'connecting' | 'open' | 'closed';

/** All connections read into the same memory, one at a time: what is kept of it is copied. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
/**
 * Most requests are put together here as one piece, which costs a copy and saves a call. The kernel copies it at once; what
 * it does not take keeps the memory, and the next request gets other.
 */
let outgoing = Buffer.allocUnsafeSlow(2 * COPIED_BODY_BYTES);

export class Connection implements AnswerSink {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #phase: Phase = 'connecting';
  #exchange: Exchange | null = null;
  /** Its last answer ended long enough ago to know what came behind it. */
  #isRested = true;
  /** Waits for the connection to be open and rested. */
  #isUnsent = false;
  #lastTurn: number;
  #idleTurns: number;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#lastTurn = options.owner.watchTurn;
    this.#idleTurns = options.timeouts.idle;
    this.#socket = options.connect({
      buffer: READ_BUFFER,
      callback: (bytes) => {
        this.#read(bytes);
        return true;
      },
    });
    this.#socket
      .once(options.isSecure ? 'secureConnect' : 'connect', () => this.#connected())
      .on('error', (error: Error) => this.#lost(failureOf(error)))
      .once('end', () => this.#ended())
      .once('close', () => this.#lost(CLOSED));
  }

  /** The connection must be free, or new. The exchange's events come after this returned. */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.connection = this;
    this.#lastTurn = this.#options.owner.watchTurn;
    this.#reader.begin();
    this.#isUnsent = true;
    this.#sendUnsent();
  }

  /** What the other side sent behind the last answer, such as its end, has been read by now. */
  rested(): void {
    // Of an answer that came before its request was sent, the rest of the request would go to waste or worse. Not judged
    // when the answer ends, since over TLS word of what was sent comes a turn late.
    if (this.#socket.writableLength > 0) return this.#lost(CLOSED);
    this.#isRested = true;
    this.#sendUnsent();
  }

  /** Ends the exchange, if it is still under way; nobody is told of it. */
  cancel(exchange: Exchange): void {
    if (this.#exchange === exchange) this.destroy();
  }

  /** Closes it at once; whoever waits for an answer is told why. */
  giveUp(reason: string): void {
    this.#fail({ reason, isTimeout: false });
  }

  /** Closes it at once; whoever waits for an answer is not told. */
  destroy(): void {
    this.#exchange = null;
    this.#close();
  }

  /** Gives up what has taken too long. */
  watch(): void {
    const { owner, timeouts } = this.#options;
    const turns = owner.watchTurn - this.#lastTurn;
    if (this.#exchange === null) {
      if (turns > this.#idleTurns) this.destroy();
    } else if (this.#phase === 'connecting') {
      if (turns > timeouts.connecting) this.#fail(NOT_CONNECTED);
    } else if (turns > timeouts.silence) this.#fail(SILENT);
  }

  onHead(status: number, headers: AnswerFields): boolean {
    this.#exchange?.events.onHead(status, headers);
    return this.#exchange !== null;
  }

  onBody(bytes: Buffer, isLast: boolean): boolean {
    this.#exchange?.events.onData(isLast ? bytes : Buffer.from(bytes), isLast);
    return this.#exchange !== null;
  }

  #connected(): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'open';
    this.#sendUnsent();
  }

  #sendUnsent(): void {
    if (!this.#isUnsent || !this.#isRested || this.#phase !== 'open' || this.#exchange === null) return;
    this.#isUnsent = false;
    this.#write(this.#exchange);
  }

  #write({ head, body }: Exchange): void {
    this.#lastTurn = this.#options.owner.watchTurn;
    if (body === null) return void this.#socket.write(head, 'latin1');
    if (body.byteLength <= COPIED_BODY_BYTES) return this.#writeCopy(head, body);
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  #writeCopy(head: string, body: Uint8Array): void {
    const bytes = head.length + body.byteLength;
    // What TLS has yet to encrypt is not told apart from what it has yet to send.
    const isShared = !this.#options.isSecure && bytes <= outgoing.length;
    const whole = isShared ? outgoing.subarray(0, bytes) : Buffer.allocUnsafe(bytes);
    whole.write(head, 'latin1');
    whole.set(body, head.length);
    this.#socket.write(whole);
    if (isShared && this.#socket.writableLength > 0) outgoing = Buffer.allocUnsafeSlow(outgoing.length);
  }

  #read(bytes: number): void {
    // Nobody asked for it, or nobody wants it: what comes after it could not be told from an answer.
    if (this.#exchange === null || this.#isUnsent) return this.#lost(CLOSED);
    this.#lastTurn = this.#options.owner.watchTurn;
    try {
      const reading = this.#reader.read(READ_BUFFER.subarray(0, bytes), this);
      if (reading === 'over') this.#over();
    } catch (error) {
      this.#fail(failureOf(error as Error));
    }
  }

  /** The other side says that it sends no more. */
  #ended(): void {
    if (this.#exchange !== null && this.#reader.close()) this.#over();
    else this.#lost(CLOSED);
  }

  /** The other side wants the connection no more. A request that did not go out goes another way, as if this were gone. */
  #lost(failure: Failure): void {
    const exchange = this.#exchange;
    if (exchange === null || !this.#isUnsent || this.#phase !== 'open') return this.#fail(failure);
    this.destroy();
    this.#options.owner.onUnsent(exchange);
  }

  /** The whole answer is here. The connection is given back first, so that what follows from the answer can use it. */
  #over(): void {
    const { events } = this.#exchange as Exchange;
    this.#exchange = null;
    this.#isRested = false;
    if (this.#isReusable()) this.#options.owner.onFree(this);
    else this.#close();
    try {
      events.onEnd();
    } catch (error) {
      events.onFailure((error as Error).message, false);
    }
  }

  #isReusable(): boolean {
    const { owner, timeouts } = this.#options;
    const { keepsAlive, idleSeconds } = this.#reader;
    if (!keepsAlive || this.#phase !== 'open') return false;
    this.#idleTurns = idleSeconds === null ? timeouts.idle : owner.turnsOf(idleSeconds - IDLE_MARGIN_SECONDS);
    return this.#idleTurns > 0;
  }

  #fail({ reason, isTimeout }: Failure): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#close();
    exchange?.events.onFailure(reason, isTimeout);
  }

  #close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#socket.destroy();
    this.#options.owner.onClosed(this);
  }
}

/** Before the other side closes what was idle for as long as it said, it is closed here: else a request would meet the end. */
const IDLE_MARGIN_SECONDS = 2;

const CLOSED: Failure = { reason: 'the connection was closed before the answer was whole', isTimeout: false };
const NOT_CONNECTED: Failure = { reason: 'no connection in time', isTimeout: true };
const SILENT: Failure = { reason: 'nothing came in time', isTimeout: true };

function failureOf(error: Error & { readonly code?: string }): Failure {
  const { code = '', message } = error;
  // Of several addresses that were tried the error has a code and no words.
  const reason = code === '' ? message : message === '' ? code : `${code}: ${message}`;
  return { reason, isTimeout: code === 'ETIMEDOUT' };
}
