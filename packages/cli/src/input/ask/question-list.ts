import { BadRequestsError } from '@batchwright/client';
import { parseJson, readText } from '../template/given-text.ts';
import { shortened } from '../wording.ts';

/** The questions of a file: one a line, as text or as a JSON string, or all of them as a JSON list of strings. */
export async function readQuestions(file: string, cwd: string): Promise<readonly string[]> {
  const text = await readText(file, '--questions', cwd);
  const name = `--questions ${shortened(file)}`;
  const questions = text.trimStart().startsWith('[') ? fromList(parseJson(text, name), name) : fromLines(text, name);
  if (questions.length > 0) return questions;
  throw new BadRequestsError(`${name} has no questions. Put one on each line.`);
}

function fromList(list: unknown, name: string): readonly string[] {
  if (!Array.isArray(list)) throw new BadRequestsError(`${name} must be a JSON list of strings, or a question a line.`);
  return list.map((question: unknown, at) => asQuestion(question, `${name} item ${at + 1}`));
}

/** Lines are JSON if the first one is: a question in quotes is otherwise a question in quotes. */
function fromLines(text: string, name: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line, at) => ({ line: line.trim(), where: `${name} line ${at + 1}` }));
  const questions = lines.filter(({ line }) => line !== '');
  const isJson = questions.every(({ line }) => /^".*"$/.test(line)) && questions.some(({ line }) => isJsonString(line));
  return questions.map(({ line, where }) => (isJson ? asQuestion(parseJson(line, where), where) : line));
}

function isJsonString(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'string';
  } catch {
    // Text that only begins and ends with a quote.
    return false;
  }
}

function asQuestion(question: unknown, where: string): string {
  if (typeof question === 'string' && question.trim() !== '') return question;
  throw new BadRequestsError(`${where} is ${shortened(JSON.stringify(question))}, but a question must be a text.`);
}
