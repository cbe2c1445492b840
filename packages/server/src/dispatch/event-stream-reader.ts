/**
 * Reads server-sent events from bytes cut anywhere: lines end with LF, CR or both, an event with an empty line, and its
 * data may take several lines. Comments and other fields are passed over, as the standard asks. Chunks are looked into
 * where they lie; only what a cut runs through is copied.
 */
export class EventStreamReader {
  readonly #onEvent: (name: string, data: Buffer) => void;
  /** The pieces so far of a line that has not ended. */
  #cut: Buffer[] = [];
  #data: Buffer[] = [];
  /** How many of the data's lines no longer lie in a chunk. */
  #ownData = 0;
  #name = '';
  #heldBytes = 0;
  #isFirstLine = true;
  /** A line ended with CR at the end of a chunk: a LF that follows belongs to it. */
  #owesLineFeed = false;

  /** An event without a name has the name ''; its data is valid during the call alone. */
  constructor(onEvent: (name: string, data: Buffer) => void) {
    this.#onEvent = onEvent;
  }

  /** Bytes kept of an event that is not complete. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let from = this.#owesLineFeed && chunk[0] === LINE_FEED ? 1 : 0;
    this.#owesLineFeed = false;
    let lineFeed = chunk.indexOf(LINE_FEED, from);
    let carriageReturn = chunk.indexOf(CARRIAGE_RETURN, from);
    while (lineFeed >= 0 || carriageReturn >= 0) {
      const isReturn = lineFeed < 0 || (carriageReturn >= 0 && carriageReturn < lineFeed);
      const end = isReturn ? carriageReturn : lineFeed;
      this.#lineEnds(chunk, from, end);
      from = end + 1;
      if (isReturn && chunk[from] === LINE_FEED) from++;
      else if (isReturn && from === chunk.length) this.#owesLineFeed = true;
      if (carriageReturn >= 0 && carriageReturn < from) carriageReturn = chunk.indexOf(CARRIAGE_RETURN, from);
      if (lineFeed >= 0 && lineFeed < from) lineFeed = chunk.indexOf(LINE_FEED, from);
    }
    // Copied, since a few bytes kept would keep their whole chunk.
    if (from < chunk.length) this.#hold(this.#cut, Buffer.from(chunk.subarray(from)));
    for (; this.#ownData < this.#data.length; this.#ownData++) {
      this.#data[this.#ownData] = Buffer.from(this.#data[this.#ownData] as Buffer);
    }
  }

  /** No more bytes come. An event that lacks only its empty line is told. */
  end(): void {
    if (this.#cut.length > 0) this.#lineEnds(NOTHING, 0, 0);
    this.#eventEnds();
  }

  #hold(pieces: Buffer[], piece: Buffer): void {
    pieces.push(piece);
    this.#heldBytes += piece.length + PIECE_OVERHEAD_BYTES;
  }

  #lineEnds(bytes: Buffer, start: number, end: number): void {
    if (this.#cut.length === 0) return this.#line(bytes, start, end);
    const line = Buffer.concat([...this.#cut, bytes.subarray(start, end)]);
    this.#heldBytes -= sizeOf(this.#cut);
    this.#cut = [];
    this.#line(line, 0, line.length);
  }

  #line(bytes: Buffer, lineStart: number, end: number): void {
    const start = this.#isFirstLine && hasByteOrderMark(bytes, lineStart) ? lineStart + 3 : lineStart;
    this.#isFirstLine = false;
    if (start === end) return this.#eventEnds();
    if (isField(DATA, bytes, start, end)) {
      this.#hold(this.#data, bytes.subarray(valueStart(DATA, bytes, start, end), end));
    } else if (isField(EVENT, bytes, start, end)) {
      this.#name = bytes.toString('utf8', valueStart(EVENT, bytes, start, end), end);
    }
  }

  #eventEnds(): void {
    const [name, data] = [this.#name, this.#data];
    if (name !== '') this.#name = '';
    if (data.length === 0) return;
    this.#data = [];
    this.#ownData = 0;
    this.#heldBytes -= sizeOf(data);
    this.#onEvent(name, data.length === 1 ? (data[0] as Buffer) : joinLines(data));
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const NOTHING = Buffer.alloc(0);
const NEWLINE = Buffer.from('\n');
const DATA = Buffer.from('data');
const EVENT = Buffer.from('event');
/** What a piece costs beside its bytes, so that a great many empty ones are bounded too. */
const PIECE_OVERHEAD_BYTES = 100;

function hasByteOrderMark(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}

/** A line is a field's when its name stands alone or before a colon. */
function isField(name: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const nameEnd = start + name.length;
  if (nameEnd > end || (nameEnd < end && bytes[nameEnd] !== COLON)) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

/** One space after the colon is no part of the value. */
function valueStart(name: Buffer, bytes: Buffer, start: number, end: number): number {
  const at = Math.min(end, start + name.length + 1);
  return at < end && bytes[at] === SPACE ? at + 1 : at;
}

function joinLines(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [NEWLINE, line])));
}

function sizeOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((bytes, piece) => bytes + piece.length + PIECE_OVERHEAD_BYTES, 0);
}
