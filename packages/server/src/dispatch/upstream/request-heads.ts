import type { UpstreamCall } from './upstream.ts';

/** Said of a call that no upstream could be sent. */
export class UnsendableCall extends Error {}

/**
 * The heads of requests as they go out. Calls of one batch share their headers, the very object, so that a head is put
 * together and checked once a batch and not once a call.
 */
export class RequestHeads {
  readonly #prefix: string;
  /** What every head ends with, but for its length. */
  readonly #always: string;
  readonly #made = new WeakMap<object, MadeHead>();

  constructor(url: URL, apiKey: string | null) {
    this.#prefix = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#always = lines({
      host: url.host,
      // To say nothing would allow any encoding, and an answer's bytes go into the results as they come.
      'accept-encoding': 'identity',
      ...(apiKey === null ? {} : { 'x-api-key': apiKey }),
    });
  }

  /** Up to the empty line; the body follows. Throws `UnsendableCall` for what is not HTTP. */
  of({ method, path, headers, body }: UpstreamCall): string {
    const known = this.#made.get(headers);
    const made = known?.method === method && known.path === path ? known : this.#make(method, path, headers);
    if (body === null && method === 'GET') return `${made.text}\r\n`;
    return `${made.text}content-length: ${body?.byteLength ?? 0}\r\n\r\n`;
  }

  #make(method: UpstreamCall['method'], path: string, headers: UpstreamCall['headers']): MadeHead {
    if (!TARGET.test(path)) throw new UnsendableCall(`the path ${JSON.stringify(path)} cannot be sent`);
    const text = `${method} ${this.#prefix}${path} HTTP/1.1\r\n${this.#always}${lines(headers)}`;
    const made = { method, path, text };
    this.#made.set(headers, made);
    return made;
  }
}

interface MadeHead {
  readonly method: string;
  readonly path: string;
  readonly text: string;
}

const TARGET = /^\/[!-~\x80-\xff]*$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~\da-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function lines(headers: Readonly<Record<string, string>>): string {
  let text = '';
  for (const [name, value] of Object.entries(headers)) {
    if (!FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) {
      throw new UnsendableCall(`the header ${JSON.stringify(name)} cannot be sent`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
