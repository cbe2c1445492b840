import type { RequestLine } from '@batchwright/client';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Host } from '../host.ts';
import { openRequestSource } from '../input/open-request-source.ts';
import type { Tell } from '../input/input-note.ts';
import type { RequestSource } from '../input/request-source.ts';
import { tellingTo } from './told-notes.ts';

/** Requests that can be read as often as one likes. */
export interface RereadableRequests {
  /** From the first on; the first reading must go to its end before there is a second. */
  requests(): AsyncIterable<RequestLine>;
  close(): Promise<void>;
}

/** What there is to say of them is said at the first reading. A file is read again as it is; what is piped in is kept in a file of its own while it is read for the first time. */
export async function rereadable(source: RequestSource, host: Host): Promise<RereadableRequests> {
  let tell: Tell | undefined = tellingTo(host);
  const firstTold = (): AsyncIterable<RequestLine> => {
    const requests = source.requests(tell);
    tell = undefined;
    return requests;
  };
  if (source.progress.totalBytes !== null) return { requests: firstTold, close: async () => undefined };
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-'));
  const path = join(directory, 'requests.jsonl');
  let isKept = false;
  return {
    requests: () => {
      if (isKept) return keptRequests(path, host);
      isKept = true;
      return keeping(firstTold(), path);
    },
    close: async () => rm(directory, { recursive: true, force: true }),
  };
}

const LINE_FEED = Buffer.from('\n');

async function* keeping(requests: AsyncIterable<RequestLine>, path: string): AsyncGenerator<RequestLine> {
  const file = createWriteStream(path);
  try {
    for await (const request of requests) {
      file.write(Buffer.from(request.line));
      if (!file.write(LINE_FEED)) await once(file, 'drain');
      yield request;
    }
  } finally {
    file.end();
    await finished(file);
  }
}

async function* keptRequests(path: string, host: Host): AsyncGenerator<RequestLine> {
  const kept = await openRequestSource(path, {}, host);
  yield* kept.requests();
}
