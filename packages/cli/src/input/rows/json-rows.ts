import { isUtf8 } from 'node:buffer';
import { BodyScanner, outline, text, type Outline } from '@batchwright/scan';
import type { InputItem } from '../bytes/lines.ts';
import { RowError } from '../row-error.ts';
import { shortened } from '../wording.ts';
import type { Row } from './row.ts';

/**
 * A row that is a JSON object. Values are taken from its bytes: a number of twenty digits, or one that ends in `.0`, is
 * put into a prompt as it was written.
 */
export class JsonRow implements Row {
  readonly origin: string;
  readonly #bytes: Buffer;
  readonly #outline: Outline | null;

  constructor({ bytes, origin }: InputItem) {
    this.origin = origin;
    this.#bytes = bytes;
    this.#outline = outline(bytes);
  }

  check(): void {
    if (this.#outline === null) throw new RowError(`${this.origin} ${whyNoObject(this.#bytes)}`);
  }

  get columns(): readonly string[] {
    return [...new Set(this.#outline?.keys())];
  }

  get isRequest(): boolean {
    return this.#find('custom_id') !== null && this.#find('params')?.kind === 'object';
  }

  text(column: string): string | null {
    const span = this.#find(column);
    if (span === null) return null;
    if (span.kind === 'null') return '';
    const raw = text(this.#bytes, span);
    return span.kind === 'string' ? (JSON.parse(raw) as string) : raw;
  }

  #find(column: string): ReturnType<Outline['find']> {
    return this.#outline?.find(column) ?? null;
  }
}

/** Made when the first fault asks for it: most inputs have none. */
let faultFinder: BodyScanner | null = null;
const FINDER_BYTES = 64 * 1024;

function whyNoObject(bytes: Buffer): string {
  if (!isUtf8(bytes)) return 'is not UTF-8. Save the file as UTF-8.';
  const reason = jsonFault(bytes);
  if (reason === null)
    return `is ${shortened(bytes.toString().trim())}, but a row must be an object: {"column":"value",…}.`;
  return `is not JSON: ${reason}${around(bytes, reason)}. Mend that line, or take it out.`;
}

/** Where the JSON goes wrong, in the scanner's words; null: it is sound. */
function jsonFault(bytes: Buffer): string | null {
  const scanner = (faultFinder ??= new BodyScanner(1, FINDER_BYTES));
  const [block] = scanner.blocks;
  if (block === undefined) throw new Error('A scanner of one block has none.');
  scanner.begin((count) => new Uint8Array(count), 0n);
  for (let at = 0; at < bytes.length; at += FINDER_BYTES) {
    const piece = bytes.subarray(at, at + FINDER_BYTES);
    block.set(piece);
    const problem = scanner.feed(block.subarray(0, piece.length));
    if (problem?.type === 'not_json') return ofTheRow(problem.reason);
  }
  const verdict = scanner.finish();
  if (verdict.type === 'accepted' || verdict.problem.type !== 'not_json') return null;
  return ofTheRow(verdict.problem.reason);
}

function ofTheRow(reason: string): string {
  return reason.replace('the body', 'it');
}

const SHOWN_BEFORE = 24;
const SHOWN_AFTER = 12;

/** What stands where a reason says, so that nobody has to count. */
function around(bytes: Buffer, reason: string): string {
  const at = /at byte (\d+)$/.exec(reason)?.[1];
  const end = at === undefined ? bytes.length : Number(at) + SHOWN_AFTER;
  const start = (at === undefined ? bytes.length : Number(at)) - SHOWN_BEFORE;
  return `, in ${shortened(bytes.subarray(Math.max(0, start), end).toString())}`;
}
