import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { LIMITS } from '@batchwright/protocol';

/** One question about one document. */
export interface Asked {
  /** As the user named it. */
  readonly document: string;
  readonly question: string;
}

const HASH_CHARACTERS = 12;
const MOST_DOCUMENT_CHARACTERS = 20;
const MOST_QUESTION_CHARACTERS = 30;

/**
 * The custom_ids of a set of questions: the document's name and the question in plain letters. Where that is cut, says
 * nothing, or is the same for two, a hash of both follows. None depends on the order, so that an answer keeps its name
 * when questions or documents are added or moved.
 */
export function askIds(set: readonly Asked[]): readonly string[] {
  const plain = set.map(plainId);
  const counts = new Map<string, number>();
  for (const id of plain) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1);
  return set.map((asked, at) => {
    const id = plain[at] ?? null;
    return id !== null && counts.get(id) === 1 ? id : hashedId(asked);
  });
}

/** Null when it would not be readable and whole. */
function plainId({ document, question }: Asked): string | null {
  const [left, right] = [documentSlug(document), slug(question)];
  const id = `${left}-${right}`;
  return left === '' || right === '' || id.length > LIMITS.customIdCharacters ? null : id;
}

function hashedId({ document, question }: Asked): string {
  const hash = createHash('sha256').update(`${document}\0${question}`).digest('hex').slice(0, HASH_CHARACTERS);
  const left = cut(documentSlug(document), MOST_DOCUMENT_CHARACTERS);
  const right = cut(slug(question), MOST_QUESTION_CHARACTERS);
  return [left, right, hash].filter((part) => part !== '').join('-');
}

function documentSlug(document: string): string {
  return slug(basename(document).replace(/(?<=.)\.[^.]*$/, ''));
}

/** Small letters and digits with dashes between; accents are left out, and so is what has no plain letter. */
function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}|['’]/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

/** At the end of a word, if one ends in the latter half. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const dash = text.lastIndexOf('-', most);
  return text.slice(0, dash > most / 2 ? dash : most);
}
