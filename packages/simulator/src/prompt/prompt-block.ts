import { isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import { IMAGE_TOKENS, PDF_PAGE_TOKENS, pdfPages, textTokens } from './tokens.ts';

/** Something shown to the model besides text, as an answer would mention it. */
export type Attachment =
  | { readonly type: 'image'; readonly mediaType: string; readonly bytes: number | null }
  | { readonly type: 'pdf'; readonly title: string | null; readonly pages: number }
  | { readonly type: 'document'; readonly title: string | null; readonly tokens: number };

/** What a block counts, and the text that stands for it in hashes. */
export interface CountedBlock {
  readonly tokens: number;
  readonly content: string;
}

/** The text a block holds, where a directive may stand. */
export function blockText(block: JsonObject): string | null {
  if (block['type'] === 'text') return typeof block['text'] === 'string' ? block['text'] : null;
  const source = block['source'];
  if (block['type'] !== 'document' || !isJsonObject(source)) return null;
  if (typeof source['content'] === 'string') return source['content'];
  return source['type'] === 'text' && typeof source['data'] === 'string' ? source['data'] : null;
}

/** Counts one block and notes what it shows; tools are counted as their JSON. */
export function countBlock(block: JsonObject, isTool: boolean, attachments: Attachment[]): CountedBlock {
  if (isTool) return countJson(block);
  switch (block['type']) {
    case 'text':
      return countText(String(block['text']), listOf(block['citations']));
    case 'image':
      return countImage(block, attachments);
    case 'document':
      return countDocument(block, attachments);
    case 'tool_result':
      return countToolResult(block, attachments);
    default:
      return countJson(block);
  }
}

/** Citations of an earlier answer are part of what is rendered, and count nothing here. */
function countText(text: string, citations: readonly unknown[] = []): CountedBlock {
  const cited = citations.length === 0 ? '' : JSON.stringify(citations);
  return { tokens: textTokens(text), content: text + cited };
}

function countJson(block: JsonObject): CountedBlock {
  return countText(jsonWithoutMarkers(block));
}

/** Markers say where to cache and are no part of what is rendered. */
function jsonWithoutMarkers(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (key === 'cache_control' ? undefined : inner));
}

function sourceOf(block: JsonObject): JsonObject {
  const source = block['source'];
  return isJsonObject(source) ? source : {};
}

/** The block as JSON, but for its data: megabytes of base64 are hashed as they are, rather than copied into JSON first. */
function sourceContent(block: JsonObject, source: JsonObject): string {
  const { data, content: _, ...rest } = source;
  const described = jsonWithoutMarkers({ ...block, source: rest });
  return typeof data === 'string' ? `${data}\n${described}` : described;
}

function countImage(block: JsonObject, attachments: Attachment[]): CountedBlock {
  const source = sourceOf(block);
  const data = source['data'];
  attachments.push({
    type: 'image',
    mediaType: typeof source['media_type'] === 'string' ? source['media_type'] : 'from a URL',
    bytes: typeof data === 'string' ? Math.floor((data.length * 3) / 4) : null,
  });
  return { tokens: IMAGE_TOKENS, content: sourceContent(block, source) };
}

function countDocument(block: JsonObject, attachments: Attachment[]): CountedBlock {
  const source = sourceOf(block);
  const title = typeof block['title'] === 'string' ? block['title'] : null;
  if (source['type'] === 'base64' || source['type'] === 'url') {
    const pages = typeof source['data'] === 'string' ? pdfPages(source['data']) : 1;
    attachments.push({ type: 'pdf', title, pages });
    return { tokens: pages * PDF_PAGE_TOKENS, content: sourceContent(block, source) };
  }
  const nested = listOf(source['content']).flatMap((part) =>
    isJsonObject(part) ? [countBlock(part, false, attachments)] : [],
  );
  const text = blockText(block);
  const tokens = text === null ? sum(nested) : textTokens(text);
  attachments.push({ type: 'document', title, tokens });
  const inner =
    typeof source['content'] === 'string' ? source['content'] : nested.map((part) => part.content).join('\n');
  return { tokens, content: `${sourceContent(block, source)}\n${inner}` };
}

/** A result counts as its JSON; pictures and documents in it count as themselves and not as their base64. */
function countToolResult(block: JsonObject, attachments: Attachment[]): CountedBlock {
  const shown = listOf(block['content']).filter(isShown);
  if (shown.length === 0) return countJson(block);
  const rest = countJson({ ...block, content: listOf(block['content']).filter((part) => !isShown(part)) });
  const nested = shown.map((part) => countBlock(part, false, attachments));
  return { tokens: rest.tokens + sum(nested), content: [rest, ...nested].map((part) => part.content).join('\n') };
}

function isShown(part: unknown): part is JsonObject {
  return isJsonObject(part) && (part['type'] === 'image' || part['type'] === 'document');
}

function sum(blocks: readonly CountedBlock[]): number {
  return blocks.reduce((total, block) => total + block.tokens, 0);
}
