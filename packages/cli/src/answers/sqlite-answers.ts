/**
 * Answers as an SQLite database with one table, `answers`: the columns, and `line` with what the server sent. The file
 * is made from nothing under another name, so it needs no journal on disk: a crash leaves a file that nobody takes for the output.
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
  const rows = new AnswerRows(staging.path);
  return {
    write: async (answer) => rows.add(answer, isStructured),
    finish: async () => {
      rows.finish();
      await sync(staging);
      await removeJournals(staging);
      await publishFile(staging);
    },
    discard: async () => {
      rows.letGo();
      await unstage(staging);
    },
  };
}

/**
 * Rows of a file that is attached to a database in memory. A database that is closed keeps its file open until its
 * statements are collected as garbage, and an open file is renamed nowhere but on POSIX; one that is detached is closed.
 */
class AnswerRows {
  readonly #database: InstanceType<typeof DatabaseSync>;
  readonly #insert: StatementSyncInstance;
  #pending = 0;
  #isAttached = true;

  constructor(path: string) {
    this.#database = new DatabaseSync(':memory:');
    this.#database.prepare('ATTACH ? AS output').run(path);
    this.#database.exec('PRAGMA output.journal_mode = MEMORY; PRAGMA output.synchronous = OFF');
    this.#database.exec('PRAGMA output.cache_size = -16384');
    const columns = ANSWER_COLUMNS.map(({ name, type }) => `${name} ${SQL_TYPES[type]}${constraint(name)}`);
    this.#database.exec(`CREATE TABLE output.answers (${columns.join(', ')}, line TEXT NOT NULL)`);
    const places = ANSWER_COLUMNS.map(() => '?').join(', ');
    this.#insert = this.#database.prepare(`INSERT INTO output.answers VALUES (${places}, ?)`);
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
    this.letGo();
  }

  /** Whatever is not committed is lost. */
  letGo(): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    this.#database.exec('DETACH output');
    this.#database.close();
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
