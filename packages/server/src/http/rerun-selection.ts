import { RESULT_TYPES, type ResultType } from '@batchwright/protocol';
import type { ResultReader, SettledLines } from '../spool/spool.ts';

/** Which requests of an ended batch are to run again. */
export interface RerunFilter {
  readonly types: ReadonlySet<ResultType>;
  /** Of the errored ones only those whose error is of one of these types; null: all of them. */
  readonly errorTypes: ReadonlySet<string> | null;
}

/** The requests that the filter takes, in the order in which they were submitted. Reads only the lines of errors, if any. */
export async function selectRequests(
  { requests, types, lineBytes }: SettledLines,
  reader: ResultReader,
  filter: RerunFilter,
): Promise<Uint32Array> {
  const errors = new LineWindow(reader);
  const selected = new Uint32Array(requests.length);
  let count = 0;
  let position = 0;
  for (let row = 0; row < requests.length; row++) {
    const bytes = lineBytes[row] ?? 0;
    const type = RESULT_TYPES[types[row] ?? -1];
    if (type !== undefined && filter.types.has(type)) {
      const isJudged = type === 'errored' && filter.errorTypes !== null;
      const isTaken = !isJudged || filter.errorTypes.has(errorTypeIn(await errors.line(position, bytes)));
      if (isTaken) selected[count++] = requests[row] ?? 0;
    }
    position += bytes;
  }
  return selected.subarray(0, count).sort();
}

/** The useful type of an errored line is that of the error inside the envelope. */
function errorTypeIn(line: string): string {
  const { result } = JSON.parse(line) as {
    readonly result: { readonly error?: { readonly error?: { readonly type?: string } } };
  };
  return result.error?.error?.type ?? '';
}

/** Errors are short and often follow each other; read one by one, 100,000 of them would take seconds. */
const WINDOW_BYTES = 64 * 1024;

/** Reads lines forward, several at once. */
class LineWindow {
  readonly #reader: ResultReader;
  #start = 0;
  #bytes = Buffer.alloc(0);

  constructor(reader: ResultReader) {
    this.#reader = reader;
  }

  async line(position: number, bytes: number): Promise<string> {
    if (position < this.#start || position + bytes > this.#start + this.#bytes.length)
      await this.#load(position, bytes);
    return this.#bytes.toString('utf8', position - this.#start, position - this.#start + bytes);
  }

  async #load(position: number, bytes: number): Promise<void> {
    const window = Buffer.alloc(Math.max(bytes, WINDOW_BYTES));
    let filled = 0;
    while (filled < bytes) {
      const read = await this.#reader.read(window.subarray(filled), position + filled);
      if (read === 0) throw new Error(`The results end at ${position + filled}, before ${position + bytes}.`);
      filled += read;
    }
    this.#start = position;
    this.#bytes = window.subarray(0, filled);
  }
}
