import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MalformedCall } from './malformed-calls.ts';

/** What is said to a server over a socket of its own, and what came back, taken apart. */

/** A machine may be busy; a server that has said nothing for this long hangs. */
const CASE_MS = 120_000;
/** A server that has said nothing, or all it will, for this long is hung up on. */
const SILENCE_MS = 100;

/** Says it, piece by piece, then waits for the server to have its say; answers everything until the connection closes. */
export function say(port: number, { pieces, end }: MalformedCall): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const heard: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const tooLong = setTimeout(() => {
      socket.destroy();
      const said = Buffer.concat([...pieces]).toString('latin1');
      const soFar = Buffer.concat(heard).toString('latin1');
      reject(new Error(`no end of the answer after ${CASE_MS} ms; said: ${said}; heard so far: ${soFar}`));
    }, CASE_MS);
    const silence = setTimeout(() => (end === 'unsure' ? socket.destroy() : undefined), SILENCE_MS);
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      silence.refresh();
    });
    socket.on('error', () => undefined); // A reset while we still speak; what was heard before it counts.
    socket.once('close', () => {
      clearTimeout(tooLong);
      clearTimeout(silence);
      resolve(Buffer.concat(heard));
    });
    const speak = async (): Promise<void> => {
      for (const [i, piece] of pieces.entries()) {
        // In a turn of its own, or the system would join what was said in pieces.
        if (i > 0) await nextTurn();
        socket.write(piece);
      }
      if (end === 'cut') socket.end();
    };
    void speak();
  });
}

/** One answer of those on a connection. */
export interface HeardAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Splits what was heard into answers; `100 Continue` is none. */
export function answersIn(heard: Buffer): readonly HeardAnswer[] {
  const text = heard.toString('latin1');
  const heads = [...text.matchAll(/HTTP\/1\.1 (\d{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/g)];
  return heads
    .map((match, i) => ({
      status: Number(match[1]),
      head: match[0],
      body: bodyOf(match[0], text.slice(match.index + match[0].length, heads[i + 1]?.index)),
    }))
    .filter(({ status }) => status !== 100);
}

function bodyOf(head: string, text: string): string {
  if (!/^transfer-encoding: chunked\r$/im.test(head)) return text;
  let body = '';
  for (let at = 0; at < text.length;) {
    const line = text.indexOf('\r\n', at);
    const length = Number.parseInt(text.slice(at, line), 16);
    if (line < 0 || !(length > 0)) break;
    body += text.slice(line + 2, line + 2 + length);
    at = line + 2 + length + 2;
  }
  return body;
}

/** What of an answer breaks a promise, one line each: no 5xx, a request id, and the envelope around every error. */
export function faultsOf(call: MalformedCall, heard: Buffer): readonly string[] {
  const answers = answersIn(heard);
  if (answers.length === 0) {
    if (heard.length > 0) return [`something that is no answer: ${heard.toString('latin1')}`];
    return call.end === 'whole' ? ['nothing was answered'] : [];
  }
  return answers.flatMap((answer) => [
    ...(answer.status >= 500 ? [`${answer.status}: ${answer.body}`] : []),
    ...(/^request-id: req_\w+\r$/im.test(answer.head) ? [] : [`no request id: ${answer.head}`]),
    // An answer to HEAD has no body.
    ...(answer.status >= 400 && !saidOf(call).startsWith('HEAD ') && !isEnvelope(answer)
      ? [`no envelope: ${answer.head}${answer.body}`]
      : []),
  ]);
}

function isEnvelope({ body, head }: HeardAnswer): boolean {
  try {
    const {
      type,
      error,
      request_id: requestId,
    } = JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as {
      readonly type: unknown;
      readonly error: { readonly type: unknown; readonly message: unknown };
      readonly request_id: unknown;
    };
    const isWhole = type === 'error' && typeof error.type === 'string' && typeof error.message === 'string';
    return isWhole && head.toLowerCase().includes(`request-id: ${String(requestId).toLowerCase()}`);
  } catch {
    return false;
  }
}

/** All of what a call says, a character for each byte. */
export function saidOf({ pieces }: MalformedCall): string {
  return Buffer.concat([...pieces]).toString('latin1');
}
