import { Duplex } from 'node:stream';
import type { OnReadOpts, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Connection, Exchange, type ConnectionOwner } from './connection.ts';
import { COPIED_BODY_BYTES } from './upstream.ts';

const OWNER: ConnectionOwner = {
  watchTurn: 0,
  turnsOf: (seconds) => seconds,
  onFree: () => undefined,
  onClosed: () => undefined,
  onUnsent: () => undefined,
};

/** A socket that keeps the very bytes it is given, and says that they went out, or that they have not yet. */
function socketOf(takesAtOnce: boolean): { readonly socket: Socket; readonly written: Uint8Array[] } {
  const written: Uint8Array[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Uint8Array, _encoding, done) => {
      written.push(chunk);
      if (takesAtOnce) done();
    },
  });
  return { socket: socket as Socket, written };
}

function connectionOver(takesAtOnce: boolean, isSecure = false) {
  const { socket, written } = socketOf(takesAtOnce);
  const timeouts = { connecting: 10, silence: 10, idle: 10 };
  const connection = new Connection({ connect: () => socket, isSecure, timeouts, owner: OWNER });
  socket.emit(isSecure ? 'secureConnect' : 'connect');
  return { written, send: (body: string) => connection.send(exchangeOf(body)) };
}

const exchangeOf = (body: string): Exchange =>
  new Exchange('POST / HTTP/1.1\r\n\r\n', Buffer.from(body), {
    onHead: () => undefined,
    onData: () => undefined,
    onEnd: () => undefined,
    onFailure: () => undefined,
  });

const bodies = (written: readonly Uint8Array[]): string[] =>
  written.map((bytes) => Buffer.from(bytes).toString('latin1').split('\r\n\r\n')[1] ?? '');

describe('Connection', () => {
  it('writes no request over one that the kernel has not taken yet', () => {
    const slow = connectionOver(false);
    const others = [connectionOver(true), connectionOver(false), connectionOver(true)];
    slow.send('the first');
    for (const [i, other] of others.entries()) other.send(`number ${i}`);
    expect(bodies(slow.written)).toEqual(['the first']);
    expect(bodies(others[1]?.written ?? [])).toEqual(['number 1']);
  });

  it('writes no request over one that TLS may not have encrypted yet', () => {
    const [first, second] = [connectionOver(true, true), connectionOver(true, true)];
    first.send('the first');
    second.send('the second');
    expect(bodies(first.written)).toEqual(['the first']);
  });

  it('makes no memory for a request that the kernel takes at once', () => {
    const { written, send } = connectionOver(true);
    const other = connectionOver(true);
    send('one');
    other.send('two');
    expect(written[0]?.buffer === other.written[0]?.buffer).toBe(true);
  });

  it('is done with a body that is short enough to be copied when it went out, and not with a longer one', () => {
    for (const [bytes, isCopied] of [
      [COPIED_BODY_BYTES, true],
      [COPIED_BODY_BYTES + 1, false],
    ] as const) {
      const body = Buffer.alloc(bytes, 'a');
      const { socket, written } = socketOf(false);
      const timeouts = { connecting: 10, silence: 10, idle: 10 };
      const connection = new Connection({ connect: () => socket, isSecure: false, timeouts, owner: OWNER });
      socket.emit('connect');
      connection.send(new Exchange('HEAD\r\n\r\n', body, exchangeOf('').events));
      const isSame = written.some((piece) => piece.buffer === body.buffer);
      expect(isSame).toBe(false);
      expect(written.length === 1 && (written[0]?.length ?? 0) > bytes).toBe(isCopied);
    }
  });

  it('lends the last piece of an answer until its end, and gives the others away', () => {
    const { socket } = socketOf(true);
    const heard: { readonly chunk: Uint8Array; readonly isLast: boolean; readonly said: string }[] = [];
    let atEnd = '';
    let receive = (_text: string): void => {};
    const connect = ({ buffer, callback }: OnReadOpts): Socket => {
      receive = (text) => void callback((buffer as Buffer).write(text, 'latin1'), buffer as Buffer);
      return socket;
    };
    const timeouts = { connecting: 10, silence: 10, idle: 10 };
    const connection = new Connection({ connect, isSecure: false, timeouts, owner: OWNER });
    socket.emit('connect');
    const text = (chunk: Uint8Array): string => Buffer.from(chunk).toString();
    connection.send(
      new Exchange('HEAD\r\n\r\n', Buffer.from(''), {
        onHead: () => undefined,
        onData: (chunk, isLast = false) => void heard.push({ chunk, isLast, said: text(chunk) }),
        onEnd: () => void (atEnd = heard.map(({ chunk }) => text(chunk)).join('')),
        onFailure: (reason) => expect(reason).toBe(''),
      }),
    );
    receive('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nfour');
    receive('more');
    expect(heard.map(({ isLast, said }) => [said, isLast])).toEqual([
      ['four', false],
      ['more', true],
    ]);
    expect(atEnd).toBe('fourmore');
    // In the memory that everything is read into.
    expect(heard[1]?.chunk.byteOffset).toBe(0);
    expect(heard[1]?.chunk.buffer === heard[0]?.chunk.buffer).toBe(false);
  });
});
