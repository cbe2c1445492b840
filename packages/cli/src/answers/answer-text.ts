import type { Paint } from '../progress/paint.ts';
import type { AnswerFields } from './answer-fields.ts';
import { harmless, wrapped } from './terminal-text.ts';

/** One answer of `ask`, with what it answers. */
export interface AskedAnswer {
  readonly document: string;
  readonly question: string;
  readonly fields: AnswerFields;
}

/** What a text is printed on. */
export interface TextView {
  /** Width of the terminal; null: a pipe, where lines stay as long as they are. */
  readonly columns: number | null;
  readonly paint: Paint;
}

/** A wider line is hard to read, however wide the terminal is. */
const WIDEST = 100;

/** An answer for people: document, question, and the text or what went wrong, with an empty line after it. */
export function answerText({ document, question, fields }: AskedAnswer, { columns, paint }: TextView): string {
  const fold = (text: string): readonly string[] =>
    columns === null ? harmless(text).split('\n') : wrapped(harmless(text), Math.min(columns, WIDEST));
  const lines = [
    ...fold(document).map((line) => paint.dim(line)),
    ...fold(question).map((line) => paint.bold(line)),
    '',
    ...fold((fields.text ?? '').trim()).filter((line, _, all) => line !== '' || all.length > 1),
    ...notesOn(fields).flatMap((note) => fold(note).map((line) => paint.yellow(line))),
  ];
  return `${lines.join('\n')}\n\n`;
}

/** What a reader must know beside the text, or instead of it. */
function notesOn(fields: AnswerFields): readonly string[] {
  const { outcome, stop_reason: stop, error_type: type, error_message: message } = fields;
  if (outcome === 'errored') return [`No answer: ${[type, message].filter((part) => part !== null).join(': ')}`];
  if (outcome === 'rejected') return [`Not what was asked for: ${message ?? ''}`];
  if (outcome !== 'succeeded') return [`No answer: the request is ${outcome}.`];
  if (stop === 'max_tokens') return ['(Cut off at max_tokens; raise it with --max-tokens.)'];
  if (stop === 'refusal') return ['(The model refused to answer.)'];
  if (fields.tool_calls !== null) return [`(Tools called: ${fields.tool_calls})`];
  return fields.text?.trim() === '' ? ['(The answer is empty.)'] : [];
}
