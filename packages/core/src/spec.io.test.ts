import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { after, archivedBatch, cancelingBatch, counts, endedBatch, runningBatch } from './batch/batch.fixture.ts';
import { transitionBatch, type BatchEvent } from './batch/batch-machine.ts';
import { transitionRequest, type RequestEvent, type RequestState } from './request/request-machine.ts';

/** Holds SPEC.md to the code: clauses to tests, tests to clauses, and both transition tables cell by cell. */
const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const SPEC = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8');

/** A test's or a group's title that begins with a clause's number, however it is quoted. */
const NUMBERED = /\b(?:it|describe)(?:\.each\([\s\S]*?\))?\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`]*)`)/g;
const CLAUSE = /^[A-Z]\d+\b/;

interface Row {
  readonly test: string;
  readonly file: string;
}

function testsOf(file: string): Row[] {
  const text = readFileSync(SOURCE + file, 'utf8');
  return [...text.matchAll(NUMBERED)]
    .map((match) => (match[1] ?? match[2] ?? match[3] ?? '').replaceAll("\\'", "'"))
    .filter((test) => CLAUSE.test(test))
    .map((test) => ({ test, file }));
}

const testFiles = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.test.ts') && !/^(params|clock)\//.test(file) && file !== 'spec.io.test.ts');

const tests = testFiles.flatMap(testsOf);
const clauses = [...SPEC.matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map((match) => match[1] ?? '');

/** The cells of each table row whose first header cell is `corner`, header included. */
function tableUnder(corner: string): string[][] {
  const lines = SPEC.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${corner} |`));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  return lines
    .slice(start, length === -1 ? undefined : start + length)
    .filter((line) => !line.startsWith('| ---'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
}

const key = ({ test, file }: Row): string => `${test} (${file})`;
const checklist = tableUnder('test')
  .slice(1)
  .map(([test = '', file = '']): Row => ({ test, file }));

describe('the checklist', () => {
  it('names only tests that exist', () => {
    const existing = new Set(tests.map(key));
    expect(checklist.map(key).filter((row) => !existing.has(row))).toEqual([]);
  });

  it('names every test that bears a number', () => {
    const listed = new Set(checklist.map(key));
    expect(tests.map(key).filter((row) => !listed.has(row))).toEqual([]);
  });

  it('has a test for every clause, and a clause for every test', () => {
    const tested = new Set(checklist.map(({ test }) => CLAUSE.exec(test)?.[0] ?? ''));
    expect(clauses.length).toBeGreaterThan(0);
    expect(clauses.filter((clause) => !tested.has(clause))).toEqual([]);
    expect([...tested].filter((clause) => !clauses.includes(clause))).toEqual([]);
  });

  it('numbers no clause twice', () => {
    expect(clauses).toEqual([...new Set(clauses)]);
  });
});

describe('the transition tables', () => {
  it('of batches are as the machine has it', () => {
    const stages = [runningBatch(), cancelingBatch(), endedBatch(), archivedBatch()];
    const events: BatchEvent[] = [
      { type: 'cancel_requested' },
      { type: 'all_settled', counts: counts({ succeeded: 10 }) },
      { type: 'retention_passed' },
      { type: 'delete_requested' },
    ];
    const written = stages.map((batch) => {
      const stage = batch.archivedAtUs === null ? batch.status : 'archived';
      return [stage, ...events.map((event) => batchCell(transitionBatch(batch, event, after(1))))];
    });
    expect(tableUnder('stage')).toEqual([['stage', ...events.map(({ type }) => type)], ...written]);
  });

  it('of requests are as the machine has it', () => {
    const states: RequestState[] = ['pending', 'dispatched', 'backing_off', 'settled'];
    const events: RequestEvent['type'][] = ['dispatch', 'retry_later', 'backoff_elapsed', 'give_back', 'settle'];
    const written = states.map((state) => [
      state,
      ...events.map((event) => {
        const transition = transitionRequest(state, event);
        return transition.type === 'changed' ? `→ ${transition.state}` : `ignored: ${transition.reason}`;
      }),
    ]);
    expect(tableUnder('state')).toEqual([['state', ...events], ...written]);
  });
});

function batchCell(transition: ReturnType<typeof transitionBatch>): string {
  switch (transition.type) {
    case 'changed':
      return `→ ${transition.batch.archivedAtUs === null ? transition.batch.status : 'archived'}`;
    case 'removed':
      return '→ (removed)';
    case 'ignored':
    case 'refused':
      return `${transition.type}: ${transition.reason}`;
  }
}
