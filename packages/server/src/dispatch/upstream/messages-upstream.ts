import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import type { connect as connectTls, ConnectionOptions as TlsOptions } from 'node:tls';
import { isWorthConcealing, KeyConcealer } from './concealed-key.ts';
import { Connection, Exchange, type ConnectionOwner, type ConnectionTimeouts } from './connection.ts';
import { RequestHeads, UnsendableCall } from './request-heads.ts';
import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/**
 * Any base URL that speaks `/v1/messages`, over HTTP/1.1: one connection a call in flight, and a free list of those that
 * wait for the next.
 *
 * The exchange is written and read here and not by a client library: of the processor time of a request the library took
 * more than all of the server's own rooms together, most of it for what one POST at a time has no use for. Pipelining
 * gained nothing measurable and would let one slow answer hold up others.
 */
export interface MessagesUpstreamOptions {
  /** Scheme, host and an optional path prefix; a trailing `/v1` is tolerated. */
  readonly baseUrl: string;
  /** Sent as `x-api-key`; null sends no credential. */
  readonly apiKey: string | null;
  /** Longest wait for the head of an answer, and between two pieces of its body. */
  readonly timeoutMs: number;
}

export async function openMessagesUpstream(options: MessagesUpstreamOptions): Promise<Upstream> {
  const url = new URL(options.baseUrl);
  // Loaded only where it is spoken.
  const tls = url.protocol === 'https:' ? await import('node:tls') : null;
  return new MessagesUpstream(url, options, tls === null ? plainDialer(url) : tlsDialer(url, tls.connect));
}

type Dialer = (onread: OnReadOpts) => Socket;

const IS_CLOSED = 'the upstream is closed';
const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const LONGEST_IDLE_MS = 600_000;
/** A call may wait for many minutes without a byte, and a router in between must not forget it. */
const PROBE_AFTER_MS = 60_000;
/** How often connections are looked at for what takes too long; a shorter limit is looked at four times in its time. */
const WATCH_MS = 1000;

class MessagesUpstream implements Upstream, ConnectionOwner {
  readonly name: string;
  readonly isSimulated = false;
  watchTurn = 0;
  readonly #heads: RequestHeads;
  /** What no client is to hear; null: there is no such thing. */
  readonly #secret: Buffer | null;
  readonly #dial: Dialer;
  readonly #isSecure: boolean;
  readonly #timeouts: ConnectionTimeouts;
  readonly #watchMs: number;
  readonly #all = new Set<Connection>();
  /** The last one used is the next one used, so that those nobody needs grow old. */
  readonly #idle: Connection[] = [];
  /** Freed since the event loop last looked at its sockets, and before that. */
  #freed: Connection[] = [];
  #resting: Connection[] = [];
  #isTurning = false;
  #watch: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(url: URL, { apiKey, timeoutMs }: MessagesUpstreamOptions, dial: Dialer) {
    this.name = url.origin;
    this.#heads = new RequestHeads(url, apiKey);
    this.#secret = apiKey !== null && isWorthConcealing(apiKey) ? Buffer.from(apiKey) : null;
    this.#dial = dial;
    this.#isSecure = url.protocol === 'https:';
    this.#watchMs = Math.min(WATCH_MS, Math.ceil(timeoutMs / 4));
    const turns = (ms: number): number => Math.ceil(ms / this.#watchMs);
    this.#timeouts = { connecting: turns(CONNECT_TIMEOUT_MS), silence: turns(timeoutMs), idle: turns(IDLE_TIMEOUT_MS) };
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    const head = this.#headOf(request);
    if (typeof head !== 'string') {
      events.onFailure(head.message, false);
      return () => undefined;
    }
    const told = this.#secret === null ? events : new KeyConcealer(events, this.#secret);
    const exchange = new Exchange(head, request.body, told);
    this.onUnsent(exchange);
    return () => exchange.cancel();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#all) connection.giveUp(IS_CLOSED);
  }

  turnsOf(seconds: number): number {
    return Math.floor(Math.min(seconds * 1000, LONGEST_IDLE_MS) / this.#watchMs);
  }

  onFree(connection: Connection): void {
    this.#idle.push(connection);
    this.#freed.push(connection);
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => this.#turn());
  }

  onClosed(connection: Connection): void {
    this.#all.delete(connection);
    // The one idle for longest, which is the first to go, comes first.
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#all.size > 0 || this.#watch === null) return;
    clearInterval(this.#watch);
    this.#watch = null;
  }

  onUnsent(exchange: Exchange): void {
    (this.#idle.pop() ?? this.#connect()).send(exchange);
  }

  #headOf(request: UpstreamCall): string | UnsendableCall {
    if (this.#isClosed) return new UnsendableCall(IS_CLOSED);
    try {
      return this.#heads.of(request);
    } catch (error) {
      if (error instanceof UnsendableCall) return error;
      throw error;
    }
  }

  #connect(): Connection {
    const connection = new Connection({
      connect: this.#dial,
      isSecure: this.#isSecure,
      timeouts: this.#timeouts,
      owner: this,
    });
    this.#all.add(connection);
    this.#watch ??= setInterval(() => this.#look(), this.#watchMs).unref();
    return connection;
  }

  #look(): void {
    this.watchTurn++;
    for (const connection of this.#all) connection.watch();
  }

  /**
   * Once a turn of the event loop: sockets were looked at between two of these, so that who was freed before the first is
   * known to be open still, and has sent nothing behind its answer.
   */
  #turn(): void {
    const rested = this.#resting;
    this.#resting = this.#freed;
    this.#freed = [];
    for (const connection of rested) connection.rested();
    if (this.#resting.length > 0) setImmediate(() => this.#turn());
    else this.#isTurning = false;
  }
}

function plainDialer(url: URL): Dialer {
  const [host, port] = [hostOf(url), Number(url.port || 80)];
  return (onread) => tuned(connectPlain({ host, port, onread }));
}

/** What one connection has agreed on with the other side spares the next one half of the handshake. */
function tlsDialer(url: URL, connect: typeof connectTls): Dialer {
  const host = hostOf(url);
  const options = {
    host,
    port: Number(url.port || 443),
    // An address is no name to ask for; the certificate is held against it all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
  };
  let session: Buffer | undefined;
  return (onread) => {
    const withSession: TlsOptions & { onread: OnReadOpts } = { ...options, onread, ...(session && { session }) };
    return tuned(connect(withSession).on('session', (agreed) => void (session = agreed)));
  };
}

function tuned<Kind extends Socket>(socket: Kind): Kind {
  return socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS);
}

/** Without the brackets that an address of version 6 has in a URL. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
