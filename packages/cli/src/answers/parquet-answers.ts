/**
 * Answers as a Parquet file. Rows are gathered by column and written as a row group when they are many or long, so that
 * memory is bounded by a group. The index at the end names every group, and nothing else grows.
 */
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { ANSWER_COLUMNS, fieldsOf, type ColumnType } from './answer-fields.ts';
import type { Answer, AnswerWriter } from './answer-writer.ts';
import type { ByteSink } from './byte-sink.ts';

const MOST_ROWS = 50_000;
/** Of text in a group. Encoding and compressing it takes several times as much memory for a moment. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** JSON is kept as text: declared as JSON, some readers would parse it and others fail at it. */
const PARQUET_TYPES = { text: 'STRING', json: 'STRING', count: 'INT64' } as const satisfies Record<ColumnType, string>;

/** The least and the greatest of a long text serve nobody, and would be kept in memory until the end. */
const WITH_STATISTICS: ReadonlySet<string> = new Set(
  ANSWER_COLUMNS.filter(({ type }) => type === 'count')
    .map(({ name }) => name as string)
    .concat('custom_id', 'outcome', 'stop_reason', 'model'),
);

/** Writes Parquet to a sink, compressed with Snappy. */
export async function parquetAnswers(sink: ByteSink, isStructured: boolean): Promise<AnswerWriter> {
  const rows = new RowGroups(sink, isStructured);
  return {
    write: (answer) => rows.add(answer),
    finish: () => rows.finish(),
    discard: () => sink.discard(),
  };
}

type Cell = string | bigint | null;

class RowGroups {
  readonly #sink: ByteSink;
  readonly #isStructured: boolean;
  readonly #writer: SinkWriter;
  readonly #parquet: ParquetWriter;
  #columns: Cell[][] = emptyColumns();
  #rows = 0;
  #characters = 0;

  constructor(sink: ByteSink, isStructured: boolean) {
    this.#sink = sink;
    this.#isStructured = isStructured;
    this.#writer = new SinkWriter(sink);
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: schemaFromColumnData({
        columnData: ANSWER_COLUMNS.map(({ name, type }) => ({
          name,
          type: PARQUET_TYPES[type],
          nullable: name !== 'custom_id' && name !== 'outcome',
          data: [],
        })),
      }),
      createdBy: 'batchwright',
    });
  }

  async add(answer: Answer): Promise<void> {
    const fields = fieldsOf(answer, this.#isStructured);
    for (const [i, { name }] of ANSWER_COLUMNS.entries()) {
      const cell = fields[name];
      this.#columns[i]?.push(typeof cell === 'number' ? BigInt(cell) : cell);
      if (typeof cell === 'string') this.#characters += cell.length;
    }
    this.#rows += 1;
    if (this.#rows >= MOST_ROWS || this.#characters >= MOST_CHARACTERS) await this.#writeGroup();
  }

  async finish(): Promise<void> {
    if (this.#rows > 0) await this.#writeGroup();
    await this.#parquet.finish();
    await this.#writer.flush();
    await this.#sink.finish();
  }

  async #writeGroup(): Promise<void> {
    const columns = this.#columns;
    const rowGroupSize = this.#rows;
    this.#columns = emptyColumns();
    this.#rows = 0;
    this.#characters = 0;
    await this.#parquet.write({
      rowGroupSize,
      columnData: ANSWER_COLUMNS.map(({ name }, i) => ({
        name,
        data: columns[i] ?? [],
        statistics: WITH_STATISTICS.has(name),
      })),
    });
  }
}

/** Gathers the bytes of a row group, and hands them on when it is complete. */
class SinkWriter extends ByteWriter {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    super();
    this.#sink = sink;
  }

  async flush(): Promise<void> {
    const bytes = this.getBytes();
    await this.#sink.write(bytes);
    this.index = 0;
  }
}

function emptyColumns(): Cell[][] {
  return ANSWER_COLUMNS.map(() => []);
}
