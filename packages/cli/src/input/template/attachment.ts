import { isUtf8 } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { BadRequestsError } from '@batchwright/client';
import { LIMITS } from '@batchwright/protocol';
import { unreadable } from '../bytes/unreadable.ts';
import { megabytes, shortened } from '../wording.ts';

/** A content block that holds a file, as JSON; the same file gives the same bytes. Citations stay off, as by default. */
export interface Attachment {
  readonly type: 'document' | 'image';
  readonly json: string;
}

/** What may be attached where. */
export type AttachmentKind = Attachment['type'] | 'any';

/** Reads a file, or names a URL, which whoever runs the request fetches. Throws `BadRequestsError` with a line. */
export async function readAttachment(place: string, kind: AttachmentKind, cwd: string): Promise<Attachment> {
  if (/^https?:\/\//i.test(place)) return fromUrl(place, kind);
  const bytes = await readWhole(place, cwd);
  const attachment = recognised(bytes, basename(place));
  if (attachment === null) throw unusable(place, bytes);
  if (kind !== 'any' && attachment.type !== kind) {
    const [is, flag] = attachment.type === 'image' ? ['an image', '--image'] : ['a document', '--document'];
    throw new BadRequestsError(`${shortened(place)} is ${is}. Attach it with ${flag}.`);
  }
  return attachment;
}

function fromUrl(url: string, kind: AttachmentKind): Attachment {
  if (!/^https:/i.test(url)) {
    throw new BadRequestsError(`${shortened(url)} must begin with https:. Or name a file on this machine.`);
  }
  const isImage = kind === 'image' || (kind === 'any' && /\.(png|jpe?g|gif|webp)([?#]|$)/i.test(url));
  return block(isImage ? 'image' : 'document', { type: 'url', url });
}

function block(type: Attachment['type'], source: object, title?: string): Attachment {
  return { type, json: JSON.stringify(title === undefined ? { type, source } : { type, source, title }) };
}

async function readWhole(place: string, cwd: string): Promise<Buffer> {
  const handle = await open(resolve(cwd, place)).catch((error: unknown) => {
    throw unreadable(shortened(place), error, cwd);
  });
  try {
    return await readBounded(handle, place);
  } catch (error) {
    throw error instanceof BadRequestsError ? error : unreadable(shortened(place), error, cwd);
  } finally {
    await handle.close();
  }
}

async function readBounded(handle: FileHandle, place: string): Promise<Buffer> {
  const { size } = await handle.stat();
  if (size > LIMITS.messageBodyBytes) {
    throw new BadRequestsError(
      `${shortened(place)} has ${megabytes(size)}, but a request may hold ${megabytes(LIMITS.messageBodyBytes)} in all. Split it.`,
    );
  }
  const bytes = await handle.readFile();
  if (bytes.length > 0) return bytes;
  throw new BadRequestsError(`${shortened(place)} is empty. Fill it, or leave it out.`);
}

/** What the first bytes say it is; a file’s name proves nothing. */
const IMAGES: readonly (readonly [mediaType: string, mark: string, at: number])[] = [
  ['image/png', '\x89PNG\r\n\x1a\n', 0],
  ['image/jpeg', '\xff\xd8\xff', 0],
  ['image/gif', 'GIF8', 0],
  ['image/webp', 'WEBP', 8],
];
const HEAD_BYTES = 16;

function recognised(bytes: Buffer, title: string): Attachment | null {
  const head = bytes.toString('latin1', 0, HEAD_BYTES);
  const mediaType = IMAGES.find(([, mark, at]) => head.startsWith(mark, at))?.[0];
  if (mediaType !== undefined) {
    return block('image', { type: 'base64', media_type: mediaType, data: bytes.toString('base64') });
  }
  if (head.startsWith('%PDF-')) {
    return block('document', { type: 'base64', media_type: 'application/pdf', data: bytes.toString('base64') }, title);
  }
  if (!isUtf8(bytes) || bytes.includes(0)) return null;
  const text = bytes.toString().replace(/^\uFEFF/, '');
  return text.trim() === '' ? null : block('document', { type: 'text', media_type: 'text/plain', data: text }, title);
}

function unusable(place: string, bytes: Buffer): BadRequestsError {
  const name = shortened(place);
  if (isUtf8(bytes) && bytes.toString().trim() === '') {
    return new BadRequestsError(`${name} holds nothing but white space. Fill it, or leave it out.`);
  }
  if (bytes.toString('latin1', 0, 4) === 'PK\x03\x04') {
    return new BadRequestsError(`${name} is a ZIP archive or an office document. Save it as PDF or as text.`);
  }
  return new BadRequestsError(`${name} is neither UTF-8 text, PDF, PNG, JPEG, GIF nor WebP. Save it as one of them.`);
}
