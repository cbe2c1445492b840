import { memoryStore } from '../store/memory-store.ts';
import type { RunStore } from '../store/run-store.ts';
import type { BulkRequest, RequestLine } from './bulk-request.ts';
import type { RequestBook } from './planning.ts';
import { openBook } from './request-book.ts';
import { writeRequests, type WriteTerms } from './write-requests.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A line as it came, and where from. */
export function lineFrom(text: string, origin = 'prompts.jsonl line 1'): RequestLine {
  return { line: encoder.encode(text), origin };
}

/** The lines of a file, which are numbered from 1. */
export function linesFrom(texts: readonly string[]): readonly RequestLine[] {
  return texts.map((text, i) => lineFrom(text, `prompts.jsonl line ${i + 1}`));
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A request as a line; `params` come behind the model and the limit. */
export function requestText(customId: string, params: object, model = 'claude-sonnet-4-5'): string {
  return JSON.stringify({ custom_id: customId, params: { model, max_tokens: 300, ...params } });
}

/** A question about a document, in a message of two blocks; a system prompt where one is given. */
export function questionAbout(document: string, question: string, system?: string): object {
  const content = [
    { type: 'text', text: document },
    { type: 'text', text: question },
  ];
  return { ...(system === undefined ? {} : { system }), messages: [{ role: 'user', content }] };
}

/** Writes requests and notes it, as a run does. */
export async function prepare(
  store: RunStore,
  requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
  terms?: WriteTerms,
): Promise<void> {
  const prepared = await writeRequests(requests, store, terms);
  await store.appendJournal({ type: 'prepared', atMs: 0, ...prepared });
}

export async function bookOf(requests: Iterable<BulkRequest>, store: RunStore = memoryStore()): Promise<RequestBook> {
  await prepare(store, requests);
  return openBook(store);
}
