/**
 * Answers as an SQLite database with one table, `answers`: the columns, and `line` with what the server sent. The file
 * is made from nothing under another name, so it needs no journal: a crash leaves a file that nobody takes for the output.
 */
import { open, rm } from 'node:fs/promises';
import { DatabaseSync, type StatementSyncInstance } from '@photostructure/sqlite';
import { ANSWER_COLUMNS, fieldsOf, type ColumnType } from './answer-fields.ts';
import type { Answer, AnswerWriter } from './answer-writer.ts';
import { publishFile, stage, unstage, type Staging } from './staging.ts';

const SQL_TYPES = { text: 'TEXT', json: 'TEXT', count: 'INTEGER' } as const satisfies Record<ColumnType, string>;
const ROWS_PER_TRANSACTION = 5000;
const UTF8 = new TextDecoder();

/** Makes a database. */
export async function sqliteAnswers(path: string, isStructured: boolean): Promise<AnswerWriter> {
  const staging = await stage(path);
  const rows = new AnswerRows(new DatabaseSync(staging.path));
  return {
    write: async (answer) => rows.add(answer, isStructured),
    finish: async () => {
      rows.finish();
      await sync(staging);
      await removeJournals(staging);
      await publishFile(staging);
    },
    discard: async () => {
      rows.close();
      await unstage(staging);
    },
  };
}

class AnswerRows {
  readonly #database: InstanceType<typeof DatabaseSync>;
  readonly #insert: StatementSyncInstance;
  #pending = 0;
  #isOpen = true;

  constructor(database: InstanceType<typeof DatabaseSync>) {
    this.#database = database;
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384');
    const columns = ANSWER_COLUMNS.map(({ name, type }) => `${name} ${SQL_TYPES[type]}${constraint(name)}`);
    database.exec(`CREATE TABLE answers (${columns.join(', ')}, line TEXT NOT NULL)`);
    const places = ANSWER_COLUMNS.map(() => '?').join(', ');
    this.#insert = database.prepare(`INSERT INTO answers VALUES (${places}, ?)`);
  }

  add(answer: Answer, isStructured: boolean): void {
    if (this.#pending === 0) this.#database.exec('BEGIN');
    const fields = fieldsOf(answer, isStructured);
    this.#insert.run(...ANSWER_COLUMNS.map(({ name }) => fields[name]), UTF8.decode(answer.line));
    this.#pending += 1;
    if (this.#pending === ROWS_PER_TRANSACTION) this.#commit();
  }

  finish(): void {
    if (this.#pending > 0) this.#commit();
    this.close();
  }

  close(): void {
    if (this.#isOpen) this.#database.close();
    this.#isOpen = false;
  }

  #commit(): void {
    this.#database.exec('COMMIT');
    this.#pending = 0;
  }
}

function constraint(column: string): string {
  if (column === 'custom_id') return ' PRIMARY KEY NOT NULL';
  return column === 'outcome' ? ' NOT NULL' : '';
}

async function sync({ path }: Staging): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Those of the database that is replaced: SQLite would apply them to the new one. */
async function removeJournals({ target }: Staging): Promise<void> {
  for (const suffix of ['-journal', '-wal', '-shm']) await rm(`${target}${suffix}`, { force: true });
}
