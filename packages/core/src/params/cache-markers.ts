import { LIMITS } from '@batchwright/protocol';
import { isGiven, isJsonObject, listOf, type JsonObject } from './json-value.ts';
import { extraInput, fieldRequired, firstError, invalid, type ParamsError } from './params-error.ts';

/**
 * The rules on `cache_control` markers. They need no model and no upstream, so a batch server applies them to every
 * request itself. Blocks are walked in the order they are rendered: tools, system, messages. Shapes are not judged
 * here: what is not a block is stepped over.
 */
export function checkCacheMarkers(params: JsonObject): ParamsError | null {
  const walk = walkBlocks(params);
  return walk.error ?? checkTopLevel(walk, params['cache_control']) ?? checkCount(walk) ?? checkOrder(walk);
}

/** A place where a prompt may be cached, and for how long. */
export interface CacheMarker {
  /** Which block, from 0, counting tools, system blocks and message blocks; a string is one block. */
  readonly block: number;
  readonly ttl: '5m' | '1h';
}

/**
 * Where sound params ask for caching, in the order of their blocks: explicit markers, those lifted from a nested block,
 * and the one that automatic caching places.
 */
export function readCacheMarkers(params: JsonObject): readonly CacheMarker[] {
  const walk = walkBlocks(params);
  checkTopLevel(walk, params['cache_control']);
  return walk.markers;
}

interface Marker extends CacheMarker {
  readonly path: string;
}

interface Walk {
  readonly markers: Marker[];
  /** How many blocks were walked over. */
  blocks: number;
  /** The last block that could carry a marker, with the one it carries. */
  lastBlock: { readonly block: number; readonly marker: Marker | null } | null;
  error: ParamsError | null;
}

function walkBlocks(params: JsonObject): Walk {
  const walk: Walk = { markers: [], blocks: 0, lastBlock: null, error: null };
  listOf(params['tools']).forEach((tool, i) => visitBlock(walk, tool, `tools.${i}`));
  visitContent(walk, params['system'], 'system');
  listOf(params['messages']).forEach((message, i) => {
    if (isJsonObject(message)) visitContent(walk, message['content'], `messages.${i}.content`);
  });
  return walk;
}

const UNMARKABLE = new Set(['thinking', 'redacted_thinking']);

function visitContent(walk: Walk, content: unknown, path: string): void {
  if (typeof content === 'string') {
    const block = walk.blocks++;
    if (content !== '') walk.lastBlock = { block, marker: null };
    return;
  }
  const blocks = listOf(content);
  for (let i = 0; i < blocks.length && walk.error === null; i++) visitBlock(walk, blocks[i], `${path}.${i}`);
}

function visitBlock(walk: Walk, block: unknown, path: string): void {
  if (!isJsonObject(block) || walk.error !== null) return;
  const position = walk.blocks++;
  const own = block['cache_control'];
  const lifted = liftedMarker(walk, block, path);
  if (walk.error !== null) return;
  const type = block['type'];
  const eligible = !(typeof type === 'string' && UNMARKABLE.has(type)) && !(type === 'text' && block['text'] === '');
  const value = isGiven(own) ? own : lifted?.value;
  if (value === undefined) {
    if (eligible) walk.lastBlock = { block: position, marker: null };
    return;
  }
  const at = isGiven(own) ? path : (lifted?.path ?? path);
  walk.error = eligible ? shapeError(value, `${at}.cache_control`) : ineligible(type, path);
  if (walk.error !== null) return;
  const marker: Marker = { block: position, path: `${at}.cache_control`, ttl: ttlOf(value) };
  walk.markers.push(marker);
  walk.lastBlock = { block: position, marker };
}

function ineligible(type: unknown, path: string): ParamsError {
  return type === 'text'
    ? invalid(`${path}.text: cache_control cannot be set for empty text blocks`)
    : extraInput(`${path}.${String(type)}.cache_control`);
}

/**
 * A marker on the last block nested in a tool result or a content document counts as its parent's; a marker nested
 * anywhere else, deeper included, is an error.
 */
function liftedMarker(
  walk: Walk,
  block: JsonObject,
  path: string,
): { readonly value: unknown; readonly path: string } | null {
  if (block['type'] === 'text') {
    walk.error = firstError(listOf(block['citations']), (citation, i) =>
      isMarked(citation) ? extraInput(`${path}.citations.${i}.cache_control`) : null,
    );
    return null;
  }
  const { blocks, at } = nestedBlocks(block, path);
  for (let i = 0; i < blocks.length; i++) {
    const nested = blocks[i];
    if (!isJsonObject(nested)) continue;
    const deeper = nestedBlocks(nested, `${at}.${i}`);
    const stray = deeper.blocks.findIndex(isMarked);
    if (stray >= 0) return refuseNested(walk, `${deeper.at}.${stray}`);
    if (!isMarked(nested)) continue;
    if (block['type'] === 'search_result' || i < blocks.length - 1) return refuseNested(walk, `${at}.${i}`);
    if (nested['type'] === 'text' && nested['text'] === '') walk.error = ineligible('text', `${at}.${i}`);
    return { value: nested['cache_control'], path: `${at}.${i}` };
  }
  return null;
}

/** The blocks inside a block, and where they are. */
function nestedBlocks(block: JsonObject, path: string): { readonly blocks: readonly unknown[]; readonly at: string } {
  const { type, source, content } = block;
  if (type === 'tool_result' || type === 'search_result') return { blocks: listOf(content), at: `${path}.content` };
  if (type !== 'document' || !isJsonObject(source)) return NOTHING_NESTED;
  return { blocks: listOf(source['content']), at: `${path}.source.content` };
}

const NOTHING_NESTED = { blocks: [], at: '' };

function isMarked(block: unknown): boolean {
  return isJsonObject(block) && isGiven(block['cache_control']);
}

function refuseNested(walk: Walk, at: string): null {
  walk.error = invalid(
    `${at}.cache_control: cache_control on a nested block is only permitted on the last block of a tool_result or document. Set it on the parent block instead.`,
  );
  return null;
}

function shapeError(value: unknown, path: string): ParamsError | null {
  if (!isJsonObject(value)) return invalid(`${path}: Input should be an object`);
  if (value['type'] === undefined) return fieldRequired(`${path}.type`);
  if (value['type'] !== 'ephemeral') return invalid(`${path}.type: Input should be 'ephemeral'`);
  const ttl = value['ttl'];
  if (isGiven(ttl) && ttl !== '5m' && ttl !== '1h') return invalid(`${path}.ttl: Input should be '5m' or '1h'`);
  return null;
}

function ttlOf(value: unknown): CacheMarker['ttl'] {
  return isJsonObject(value) && value['ttl'] === '1h' ? '1h' : '5m';
}

/** Automatic caching marks the last block that can carry a marker; without one it does nothing. */
function checkTopLevel(walk: Walk, value: unknown): ParamsError | null {
  if (!isGiven(value)) return null;
  const wrong = shapeError(value, 'cache_control');
  if (wrong !== null || walk.lastBlock === null) return wrong;
  const ttl = ttlOf(value);
  const { block, marker: marked } = walk.lastBlock;
  if (marked === null) walk.markers.push({ block, path: 'cache_control', ttl });
  else if (marked.ttl !== ttl) {
    return invalid(
      `cache_control.ttl: the last cacheable block already has cache_control with ttl='${marked.ttl}', which conflicts with ttl='${ttl}'.`,
    );
  }
  return null;
}

function checkCount(walk: Walk): ParamsError | null {
  const count = walk.markers.length;
  if (count <= LIMITS.cacheBreakpoints) return null;
  return invalid(`A maximum of ${LIMITS.cacheBreakpoints} blocks with cache_control may be provided. Found ${count}.`);
}

function checkOrder(walk: Walk): ParamsError | null {
  const firstShort = walk.markers.findIndex((marker) => marker.ttl === '5m');
  const late = firstShort < 0 ? undefined : walk.markers.slice(firstShort).find((marker) => marker.ttl === '1h');
  if (late === undefined) return null;
  return invalid(
    `${late.path}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: \`tools\`, \`system\`, \`messages\`.`,
  );
}
