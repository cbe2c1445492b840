import { BadRequestsError, FaultList, type RequestLine } from '@batchwright/client';
import type { Tell } from './input-note.ts';
import { RowError } from './row-error.ts';
import type { Row, RowTable } from './rows/row.ts';
import type { RowTemplate } from './template/row-template.ts';
import { wholeRequestError } from './whole-requests.ts';

/** How rows are taken. */
export interface RowTerms {
  /** Of the input, for people. */
  readonly name: string;
  /** The flags that say what is made of them. */
  readonly given: readonly string[];
  /** Whether rows with nothing to ask are left out. */
  readonly skipsEmpty: boolean;
}

/** A request of each row. Rejects with `BadRequestsError` for all rows of which none can be made. */
export async function* requestsOfRows(
  table: RowTable,
  template: RowTemplate,
  terms: RowTerms,
  tell: Tell | undefined,
): AsyncGenerator<RequestLine> {
  const reader = new RowReader(template, terms);
  for await (const row of table.rows(template.columns)) {
    if (reader.rows === 0) for (const text of template.warnings(row.columns)) tell?.({ type: 'warning', text });
    const line = await reader.lineOf(row);
    if (reader.faults.isFull) break;
    if (line !== null) yield { line, origin: row.origin };
  }
  reader.finish(tell);
}

class RowReader {
  readonly faults = new FaultList();
  rows = 0;
  #made = 0;
  #skipped = 0;
  #firstSkipped = '';
  readonly #template: RowTemplate;
  readonly #terms: RowTerms;

  constructor(template: RowTemplate, terms: RowTerms) {
    this.#template = template;
    this.#terms = terms;
  }

  /**
   * Null when there is none. After a fault nothing will be sent. Reading on is for what else there is to mend, such as ids
   * given twice, which whoever takes the lines finds; but where the very first is wrong all is told before anything is
   * begun.
   */
  async lineOf(row: Row): Promise<Buffer | null> {
    this.rows++;
    try {
      const line = await this.#make(row);
      if (line === null || (this.#made === 0 && !this.faults.isEmpty)) return null;
      this.#made++;
      return line;
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.faults.add(error.message);
      return null;
    }
  }

  finish(tell: Tell | undefined): void {
    const { name } = this.#terms;
    this.faults.throwIfAny();
    if (this.rows === 0) throw new BadRequestsError(`${name} has no rows. Nothing can be asked.`);
    if (this.#skipped === this.rows) {
      throw new BadRequestsError(`Every row of ${name} makes an empty prompt, so --skip-empty leaves none to ask.`);
    }
    if (this.#skipped === 0) return;
    const rows = this.#skipped === 1 ? '1 row' : `${this.#skipped} rows`;
    const first = this.#skipped === 1 ? this.#firstSkipped : `the first is ${this.#firstSkipped}`;
    tell?.({ type: 'note', text: `Left out ${rows} with an empty prompt: ${first}.` });
  }

  async #make(row: Row): Promise<Buffer | null> {
    row.check();
    if (row.isRequest) throw wholeRequestError(row.origin, this.#terms.given);
    if (!this.#terms.skipsEmpty || !this.#template.isEmpty(row)) return this.#template.line(row, this.rows);
    if (this.#skipped++ === 0) this.#firstSkipped = row.origin;
    return null;
  }
}
