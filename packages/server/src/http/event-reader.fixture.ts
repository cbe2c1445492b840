import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { BatchId } from '@batchwright/protocol';
import type { TestRoom } from './http.fixture.ts';

export interface HeardEvent {
  readonly event: string;
  readonly id: number;
  readonly data: Record<string, unknown>;
}

/** A client of an event stream that takes what comes, one event or comment at a time. */
export class EventReader {
  readonly response: IncomingMessage;
  readonly #pieces: AsyncGenerator<string>;

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#pieces = piecesOf(response);
  }

  /** The next event or comment, as it was sent; null when the stream has ended. */
  async piece(): Promise<string | null> {
    const next = await this.#pieces.next();
    return next.done === true ? null : next.value;
  }

  /** The next event; null when the stream has ended. */
  async next(): Promise<HeardEvent | null> {
    const piece = await this.piece();
    if (piece === null) return null;
    const fields = Object.fromEntries(
      piece.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const data = JSON.parse(fields['data'] ?? 'null') as Record<string, unknown>;
    return { event: fields['event'] ?? '', id: Number(fields['id']), data };
  }

  close(): void {
    this.response.destroy();
  }
}

/** Opens the events of a batch. */
export function openEvents(room: TestRoom, id: BatchId, headers: Record<string, string> = {}): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({
      port: room.port,
      path: `/ext/v1/batches/${id}/events`,
      agent: false,
      headers: { 'x-api-key': room.keys.k1a, 'anthropic-version': '2023-06-01', ...headers },
    });
    call.once('error', reject).once('response', (response) => resolve(new EventReader(response)));
    call.end();
  });
}

async function* piecesOf(response: IncomingMessage): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}
