/** One row of a table, as templates see it. */
export interface Row {
  /** For people: `rows.csv line 17`. */
  readonly origin: string;
  /** Throws `RowError` when nothing can be made of it; comes before everything below. */
  check(): void;
  readonly columns: readonly string[];
  /** Whether it is no row but a request as it shall be sent, `{custom_id, params}`. */
  readonly isRequest: boolean;
  /** A column's value as text, nothing being the empty text and what is nested JSON; null: there is no such column. */
  text(column: string): string | null;
}

/** Rows that are read one by one. */
export interface RowTable {
  /** From the first on. Only these columns will be asked for. */
  rows(wanted: readonly string[]): AsyncIterable<Row>;
}
