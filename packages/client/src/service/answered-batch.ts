import type { MessageBatch, RequestCounts } from '@batchwright/protocol';

type Fields = Readonly<Record<string, unknown>>;

/** A batch object as a server answered it; null when what was answered is none. Times that are left out are null. */
export function readBatch(value: unknown): MessageBatch | null {
  const fields = recordOf(value);
  const counts = readCounts(fields['request_counts']);
  const status = fields['processing_status'];
  const isWhole =
    isId(fields['id']) && isText(fields['created_at']) && isText(fields['expires_at']) && typeof status === 'string';
  if (!isWhole || counts === null || !STATUSES.has(status)) return null;
  const nulls = Object.fromEntries(OPTIONAL.map((name) => [name, isText(fields[name]) ? fields[name] : null]));
  return { ...fields, ...nulls, request_counts: counts } as unknown as MessageBatch;
}

/** Batches as a list has them, newest first. */
export interface BatchPage {
  readonly batches: readonly MessageBatch[];
  readonly hasMore: boolean;
}

/** A page of a list; null when what was answered is none. */
export function readPage(value: unknown): BatchPage | null {
  const { data, has_more: hasMore } = recordOf(value);
  if (!Array.isArray(data)) return null;
  const batches = data.map(readBatch);
  return batches.includes(null) ? null : { batches: batches as MessageBatch[], hasMore: hasMore !== false };
}

/** The tallies of a batch; null when they are none. */
export function readCounts(value: unknown): RequestCounts | null {
  const { processing, succeeded, errored, canceled, expired } = recordOf(value);
  const counts = { processing, succeeded, errored, canceled, expired };
  return Object.values(counts).every(Number.isSafeInteger) ? (counts as RequestCounts) : null;
}

const STATUSES: ReadonlySet<string> = new Set(['in_progress', 'canceling', 'ended']);
const OPTIONAL = ['ended_at', 'archived_at', 'cancel_initiated_at', 'results_url'] as const;

/** The fields of an object; none of anything else. */
export function recordOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** Ids are opaque, and yet they are printed and put into paths: without spaces and control characters, and not endless. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]{1,512}$/.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
