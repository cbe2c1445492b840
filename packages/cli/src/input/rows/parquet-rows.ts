import { open, type FileHandle } from 'node:fs/promises';
import { BadRequestsError } from '@batchwright/client';
import { parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, DecodedArray, FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ByteProgress } from '../bytes/input-bytes.ts';
import { unreadable } from '../bytes/unreadable.ts';
import { quoted } from '../wording.ts';
import { columnText } from './column-text.ts';
import type { Row } from './row.ts';

/** A Parquet file that is read where it lies. */
export interface ParquetInput {
  readonly name: string;
  readonly path: string;
  readonly progress: ByteProgress;
}

/**
 * Rows of a Parquet file. Of each row group the wanted columns are read, a slice of rows at a time: what is held is a
 * slice as values, and the compressed bytes it is cut from.
 */
export async function* parquetRows(input: ParquetInput, wanted: readonly string[]): AsyncGenerator<Row> {
  const handle = await open(input.path).catch((error: unknown) => {
    throw unreadable(input.name, error, '');
  });
  try {
    const file = await fileBuffer(handle);
    await checkMark(file, input.name);
    const metadata = await readFooter(file, input.name);
    const columns = parquetSchema(metadata).children.map((child) => child.element.name);
    const table = { input, file, metadata, columns, read: columns.filter((column) => wanted.includes(column)) };
    let start = 0;
    for (const group of metadata.row_groups) {
      const end = start + Number(group.num_rows);
      const sliceRows = rowsOfSlice(group, table.read);
      for (let from = start; from < end; from += sliceRows) {
        yield* slice(table, from, Math.min(end, from + sliceRows));
        input.progress.readBytes = Math.round((file.byteLength * Math.min(end, from + sliceRows)) / rowCount(metadata));
      }
      start = end;
    }
  } finally {
    await handle.close();
  }
}

interface ParquetTable {
  readonly input: ParquetInput;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  readonly read: readonly string[];
}

function rowCount({ num_rows: rows }: FileMetaData): number {
  return Math.max(1, Number(rows));
}

/** Values of a slice, before they are unpacked. Of a group without an index of its pages every slice reads its bytes anew. */
const SLICE_BYTES = 16 * 1024 * 1024;

function rowsOfSlice(group: FileMetaData['row_groups'][number], read: readonly string[]): number {
  const bytes = group.columns
    .filter(({ meta_data: column }) => read.includes(column?.path_in_schema[0] ?? ''))
    .reduce((sum, { meta_data: column }) => sum + Number(column?.total_uncompressed_size ?? 0), 0);
  return Math.max(1, Math.ceil((Number(group.num_rows) * SLICE_BYTES) / Math.max(bytes, SLICE_BYTES)));
}

async function* slice(table: ParquetTable, rowStart: number, rowEnd: number): AsyncGenerator<Row> {
  const values = new Map<string, DecodedArray>();
  try {
    const scan = await parquetScan({
      file: table.file,
      metadata: table.metadata,
      columns: [...table.read],
      compressors,
      rowStart,
      rowEnd,
    });
    for (const column of table.read) {
      const read = await scan.readColumn({ column, rowStart, rowEnd });
      // Its footer may promise more rows than anybody has, and would be believed row after empty row.
      if (read.length !== rowEnd - rowStart)
        throw new Error(`the column ${quoted(column)} has fewer rows than the file`);
      values.set(column, read);
    }
  } catch (error) {
    throw damaged(table.input.name, error);
  }
  for (let row = rowStart; row < rowEnd; row++) {
    const origin = `${table.input.name} row ${row + 1}`;
    yield new ParquetRow(origin, table.columns, values, row - rowStart);
  }
}

class ParquetRow implements Row {
  readonly origin: string;
  readonly isRequest = false;
  readonly columns: readonly string[];
  readonly #values: ReadonlyMap<string, DecodedArray>;
  readonly #at: number;

  constructor(origin: string, columns: readonly string[], values: ReadonlyMap<string, DecodedArray>, at: number) {
    this.origin = origin;
    this.columns = columns;
    this.#values = values;
    this.#at = at;
  }

  /** What a file cannot hold was found when its slice was read. */
  check(): void {}

  text(column: string): string | null {
    const values = this.#values.get(column);
    return values === undefined ? null : columnText(values[this.#at]);
  }
}

const MARK = 'PAR1';
const LOOKED_BYTES = 1024;

/** What was named Parquet and is text is told from what is damaged. */
async function checkMark(file: AsyncBuffer, name: string): Promise<void> {
  const head = Buffer.from(await file.slice(0, Math.min(LOOKED_BYTES, file.byteLength)));
  const text = head.toString();
  if (text.startsWith(MARK)) return;
  if (head.length === 0) throw new BadRequestsError(`${name} is empty. Write it anew.`);
  if (head.includes(0) || text.startsWith('\x1f'))
    throw new BadRequestsError(`${name} is not Parquet. Name another file.`);
  const format = text.startsWith('{') ? 'jsonl' : 'csv';
  const [line = ''] = text.split(/\r?\n/, 1);
  throw new BadRequestsError(`${name} is not Parquet: it begins with ${quoted(line)}. Add --input-format ${format}.`);
}

async function readFooter(file: AsyncBuffer, name: string): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file);
  } catch (error) {
    throw damaged(name, error);
  }
}

function damaged(name: string, error: unknown): Error {
  // What the disk says has a system call to it; that nonsense in the file made nonsense of a call has none.
  if (error instanceof Error && 'syscall' in error)
    return new Error(`Reading ${name} failed: ${error.message}`, { cause: error });
  const reason = error instanceof Error ? error.message.replace(/^parquet /, '') : String(error);
  return new BadRequestsError(`${name} cannot be read as Parquet: ${reason}. Write it anew.`, { cause: error });
}

async function fileBuffer(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      if (!(start >= 0 && start <= end && end <= size)) throw new Error('it points beyond its own end');
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === bytes.length ? bytes.buffer : bytes.buffer.slice(0, filled);
    },
  };
}
