/** An event of a server-sent stream. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** An event of this API is a few kilobytes; what grows beyond this is no event. */
const LONGEST_EVENT = 1024 * 1024;

/** The events in a `text/event-stream`, whose pieces are cut anywhere. One that the end cuts off is left out. */
export async function* eventsIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let event = '';
  let data: string[] = [];
  for await (const line of linesIn(pieces)) {
    if (line === '') {
      if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n') };
      event = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
}

/** Lines end in `\n`, `\r\n` or `\r`; a `\r` at a piece's end waits for what follows it. */
async function* linesIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    if (rest.length > LONGEST_EVENT) throw new Error(`A line of an event stream has over ${LONGEST_EVENT} characters.`);
    yield* lines;
  }
}
