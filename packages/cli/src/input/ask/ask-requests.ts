import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BadRequestsError, type RequestLine } from '@batchwright/client';
import { LIMITS } from '@batchwright/protocol';
import type { InputHost } from '../bytes/input-bytes.ts';
import { unreadable } from '../bytes/unreadable.ts';
import { tryFirstRequest } from '../first-request.ts';
import { type AskOptions, ASK_MODEL } from '../input-options.ts';
import type { RequestSource } from '../request-source.ts';
import { readAttachment } from '../template/attachment.ts';
import { fingerprint } from '../template/given-text.ts';
import { jsonList, jsonObject, type JsonText, jsonValue } from '../template/json-text.ts';
import { type MessageTemplate, readMessageTemplate, readSchema, shownShort } from '../template/message-template.ts';
import { megabytes, shortened } from '../wording.ts';
import { type Asked, askIds } from './ask-id.ts';
import { readQuestions } from './question-list.ts';

/** Questions about documents, as requests. */
export interface AskSource extends RequestSource {
  /** What a request asks; null: it is not one of these. */
  asked(customId: string): Asked | null;
}

/**
 * Every question of every document, a request each. The document comes first and the question after it, so that all
 * questions of a document share it; it is read when its first question is asked for, and no two are held at once.
 */
export async function askRequests(
  documents: readonly string[],
  options: AskOptions,
  host: InputHost,
): Promise<AskSource> {
  const { cwd } = host;
  const questions = await allQuestions(options, cwd);
  const schema = await readSchema(options.schema, cwd);
  const template = await readMessageTemplate({ ...options, model: options.model ?? ASK_MODEL }, schema, cwd);
  const files = await Promise.all(unique(documents).map(async (document) => lookAt(document, cwd)));
  if (files.length === 0) throw new BadRequestsError('No document is named. Name one or more to ask about.');
  const set = files.flatMap(({ document }) => questions.map((question) => ({ document, question })));
  const ids = askIds(set);
  const byId = new Map(ids.map((id, at) => [id, at]));
  if (byId.size < ids.length) throw new Error('Two questions have the same custom_id.');
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const progress = { readBytes: 0, totalBytes: bytes };
  const source: AskSource = {
    name: files.length === 1 ? (files[0]?.document ?? '') : `${files.length} documents`,
    identity: {
      documents: fingerprint(JSON.stringify(files)),
      questions: fingerprint(JSON.stringify(questions)),
      ...template.identity,
      ...(schema !== null && shownShort({ '--schema': JSON.stringify(schema) })),
    },
    progress,
    schema,
    asked: (customId) => set[byId.get(customId) ?? NOBODY] ?? null,
    requests: async function* (tell) {
      for (const text of template.warnings) tell?.({ type: 'warning', text });
      progress.readBytes = 0;
      for (const [at, file] of files.entries()) {
        const first = at * questions.length;
        yield* aboutOne(file.document, questions, ids.slice(first, first + questions.length), template, cwd);
        progress.readBytes += file.bytes;
      }
    },
  };
  await tryFirstRequest(source);
  return source;
}

const NOBODY = -1;

async function allQuestions({ question = [], questions }: AskOptions, cwd: string): Promise<readonly string[]> {
  const all = [...question, ...(questions === undefined ? [] : await readQuestions(questions, cwd))];
  if (all.length === 0)
    throw new BadRequestsError("Nothing is asked. Ask with -q 'What is it about?', or --questions FILE.");
  if (all.some((one) => one.trim() === '')) throw new BadRequestsError('A question is empty. Say what to ask.');
  return unique(all);
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

/** A document as it lies there. What identifies a run that reads it is what identifies a file that is read row by row. */
interface DocumentFile {
  readonly document: string;
  readonly bytes: number;
  readonly changed: string;
}

async function lookAt(document: string, cwd: string): Promise<DocumentFile> {
  if (/^https?:/i.test(document)) return { document, bytes: 0, changed: '' };
  const found = await stat(resolve(cwd, document)).catch((error: unknown) => {
    throw unreadable(shortened(document), error, cwd);
  });
  if (found.isDirectory()) {
    throw new BadRequestsError(`${shortened(document)} is a directory. Name the files in it: ${shortened(document)}/*`);
  }
  return { document, bytes: found.size, changed: found.mtime.toISOString() };
}

async function* aboutOne(
  document: string,
  questions: readonly string[],
  ids: readonly string[],
  template: MessageTemplate,
  cwd: string,
): AsyncGenerator<RequestLine> {
  const { json } = await readAttachment(document, 'any', cwd);
  for (const [at, question] of questions.entries()) {
    const text = jsonObject([
      ['type', jsonValue('text')],
      ['text', jsonValue(question)],
    ]);
    const params = template.params(jsonList([[json], text]));
    const line = Buffer.from(written([`{"custom_id":${JSON.stringify(ids[at])},"params":`, ...params, '}']));
    const origin = `${shortened(document)}, question ${at + 1}`;
    if (line.length > LIMITS.messageBodyBytes) throw tooLarge(origin, line.length);
    yield { line, origin };
  }
}

/** There are no rows, so there is nothing to fill in. */
function written(json: JsonText): string {
  return json
    .map((part) => {
      if (typeof part === 'string') return part;
      throw new BadRequestsError('--system names a column, but there are no rows. Write {{{{ for two braces.');
    })
    .join('');
}

function tooLarge(origin: string, bytes: number): BadRequestsError {
  return new BadRequestsError(
    `${origin} makes a request of ${megabytes(bytes)}, but the API takes ${megabytes(LIMITS.messageBodyBytes)} at most. Split the document.`,
  );
}
