import { BLOCK_TRAITS, tokenEstimator } from '@batchwright/core';
import { isString, memberOf, readRawJson, type RawJson, type RawMember } from './raw-json.fixture.ts';

/**
 * What the scanner must note of each prompt of a body, said without hashes and without resuming: a prompt up to a block
 * is a string, and hashes are right if they are equal exactly where these strings are.
 */
export interface NotedBlock {
  /** The prompt up to and including the block. */
  readonly identity: number;
  readonly tokens: number;
  readonly traits: number;
}

export interface NotedPrompt {
  readonly model: string;
  readonly blocks: readonly NotedBlock[];
}

/** Numbers prompts, the same for the same. One for all bodies that are compared. */
export class Identities {
  readonly #numbers = new Map<string, number>();

  of(before: number, what: unknown): number {
    const text = JSON.stringify([before, what]);
    const known = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, known);
    return known;
  }
}

/** The prompts of a body that is known to be right. */
export function notedPrompts(body: string, identities: Identities): readonly NotedPrompt[] {
  const requests = memberOf(readRawJson(body), 'requests');
  if (requests?.kind !== 'array') throw new Error('The body has no requests.');
  return requests.items.map((item) => {
    const params = memberOf(item, 'params');
    if (params?.kind !== 'object') throw new Error('An item has no params.');
    return notedPrompt(params.members, identities);
  });
}

const IRRELEVANT = new Set(
  'max_tokens temperature top_p top_k stop_sequences metadata stream service_tier cache_control diagnostics'.split(' '),
);
/** Keys that count as themselves however they are spelled; others count as spelled. */
const BLOCK_WORDS = new Set(
  (
    'cache_control content type text data media_type ttl citations image document tool_result thinking ' +
    'redacted_thinking base64 url file ephemeral 5m 1h'
  ).split(' '),
);
const SALTS = 32;

interface ReadBlock {
  readonly content: unknown;
  readonly size: { textBytes: number; images: number; documents: number; documentBytes: number };
  readonly marker: number;
  readonly markable: boolean;
}

interface Findings {
  images: boolean;
  citations: boolean;
}

function notedPrompt(members: readonly RawMember[], identities: Identities): NotedPrompt {
  const findings: Findings = { images: false, citations: false };
  const tiers: { tools: ReadBlock[]; system: ReadBlock[]; messages: ReadBlock[] } = {
    tools: [],
    system: [],
    messages: [],
  };
  const salts = new Map<string, string>();
  const others: unknown[] = [];
  for (const { key, rawKey, value } of members) {
    if (key === 'tools' || key === 'system' || key === 'messages') tiers[key] = readTier(key, value, findings);
    if (IRRELEVANT.has(key) || key === 'tool_choice' || key === 'speed') continue;
    if (value.kind === 'array' && (key === 'tools' || key === 'system' || key === 'messages')) continue;
    if (key === 'system' && isString(value)) continue;
    if (/^[a-zA-Z0-9_-]{0,64}$/.test(key) && (salts.has(key) || salts.size < SALTS)) salts.set(key, value.raw);
    else others.push([rawKey, value.raw]);
  }
  const last = (key: string): string | null => members.findLast((member) => member.key === key)?.value.raw ?? null;
  const model = modelName(members.findLast((member) => member.key === 'model')?.value);
  let identity = identities.of(-1, ['root', [...salts].sort(), others]);
  const blocks: NotedBlock[] = [];
  const estimate = tokenEstimator(model);
  let tokens = 0;
  const render = (tier: readonly ReadBlock[]): void => {
    for (const { content, size, marker, markable } of tier) {
      identity = identities.of(identity, content);
      tokens += estimate(size);
      blocks.push({ identity, tokens, traits: marker | (markable ? BLOCK_TRAITS.markable : 0) });
    }
  };
  render(tiers.tools);
  identity = identities.of(identity, ['system', last('speed'), findings.citations]);
  render(tiers.system);
  identity = identities.of(identity, ['messages', last('tool_choice'), findings.images]);
  render(tiers.messages);
  const automatic = markerOf(members.findLast((member) => member.key === 'cache_control')?.value);
  const target = blocks.findLastIndex(({ traits }) => (traits & BLOCK_TRAITS.markable) !== 0);
  const block = blocks[target];
  if (block !== undefined && (block.traits & ~BLOCK_TRAITS.markable) === 0) {
    blocks[target] = { ...block, traits: block.traits | automatic };
  }
  return { model, blocks };
}

function modelName(value: RawJson | undefined): string {
  if (value?.kind !== 'scalar' || typeof value.value !== 'string') return '';
  return Buffer.byteLength(value.raw) - 2 <= 256 ? value.value : '';
}

function readTier(key: string, value: RawJson, findings: Findings): ReadBlock[] {
  if (key !== 'messages') return readBlocks(value, key === 'tools', findings) ?? [];
  if (value.kind !== 'array') return [];
  const blocks: ReadBlock[] = [];
  // What messages without blocks said.
  let before: unknown[] = [];
  for (const message of value.items) {
    if (message.kind !== 'object') {
      before.push(message.raw);
      continue;
    }
    let own: ReadBlock[] = [];
    const header: string[] = [];
    for (const { key: name, rawKey, value: said } of message.members) {
      const read = name === 'content' ? readBlocks(said, false, findings) : null;
      if (name === 'content') own = read ?? [];
      if (read === null) header.push(rawKey, said.raw);
    }
    if (own.length === 0) before.push(header);
    else {
      blocks.push(...own.map((b, i) => ({ ...b, content: [b.content, header, i === 0 ? before : null] })));
      before = [];
    }
  }
  return blocks;
}

/** Null when the value is none that blocks are made of. */
function readBlocks(value: RawJson, isTool: boolean, findings: Findings): ReadBlock[] | null {
  if (value.kind === 'array') return value.items.map((item) => readBlock(item, isTool, findings));
  return isString(value) && !isTool ? [readText(value.raw)] : null;
}

function readText(raw: string): ReadBlock {
  const textBytes = spelledBytes(raw) - 2;
  return {
    content: [
      ['type', '"text"'],
      ['text', raw],
    ],
    size: { textBytes, images: 0, documents: 0, documentBytes: 0 },
    marker: 0,
    markable: textBytes > 0,
  };
}

function readBlock(item: RawJson, isTool: boolean, findings: Findings): ReadBlock {
  if (item.kind !== 'object') {
    const size = { textBytes: Buffer.byteLength(item.raw), images: 0, documents: 0, documentBytes: 0 };
    return { content: ['no block', item.raw], size, marker: 0, markable: false };
  }
  const reading = new BlockReading(isTool, findings);
  const content: unknown[] = [];
  let jsonBytes = 1;
  let type: unknown;
  let text: RawJson | undefined;
  for (const { key, rawKey, value } of item.members) {
    reading.visit(value, key, 0);
    if (key === 'cache_control') continue;
    if (key === 'type') type = value.kind === 'scalar' ? value.value : undefined;
    if (key === 'text') text = value;
    content.push([BLOCK_WORDS.has(key) ? key : rawKey, value.raw]);
    jsonBytes += spelledBytes(rawKey) + spelledBytes(value.raw) + 2;
  }
  reading.sourceEnds();
  const isText = type === 'text' && text !== undefined && isString(text);
  const textBytes = isText && text !== undefined ? spelledBytes(text.raw) - 2 : 0;
  return {
    content,
    size: reading.size(isText && !isTool ? textBytes : null, jsonBytes),
    marker: reading.marker(type),
    markable: type !== 'thinking' && type !== 'redacted_thinking' && !(isText && textBytes === 0),
  };
}

/** What is found inside a block, in the order in which it stands there. */
class BlockReading {
  readonly #isTool: boolean;
  readonly #findings: Findings;
  /** By how much deeper than the block's own keys they lie. */
  readonly #markers = [0, 0, 0, 0];
  #images = 0;
  #sources = 0;
  #base64Bytes = 0;
  #documentBytes = 0;
  #source = noSource();

  constructor(isTool: boolean, findings: Findings) {
    this.#isTool = isTool;
    this.#findings = findings;
  }

  visit(value: RawJson, key: string | null, depth: number): void {
    if (key === 'cache_control' && depth < 4) {
      this.#markers[depth] = markerOf(value);
    }
    if (key === 'cache_control' && value.kind === 'object') return;
    if (key !== 'cache_control' || depth > 0) {
      if (depth === 1) this.#markers[2] = 0;
      if (depth === 2) this.#markers[3] = 0;
    }
    if (key === 'citations' && value.raw !== 'null' && !this.#isTool) this.#findings.citations = true;
    if (value.kind === 'scalar') return this.#visitScalar(value.value, value.raw, key);
    this.#source = noSource();
    // Of tools nothing counts but their own keys.
    if (!this.#isTool) {
      if (value.kind === 'object') for (const member of value.members) this.visit(member.value, member.key, depth + 1);
      else for (const item of value.items) this.visit(item, null, depth + 1);
    }
    this.sourceEnds();
  }

  sourceEnds(): void {
    const { type, isImage, dataBytes } = this.#source;
    if (type === 'base64' || type === 'url' || type === 'file') this.#sources++;
    if (type === 'base64') {
      this.#base64Bytes += dataBytes;
      if (!isImage) this.#documentBytes += dataBytes;
    }
    this.#source = noSource();
  }

  size(textBytes: number | null, jsonBytes: number): ReadBlock['size'] {
    return {
      textBytes: textBytes ?? jsonBytes - this.#base64Bytes,
      images: this.#images,
      documents: Math.max(0, this.#sources - this.#images),
      documentBytes: this.#documentBytes,
    };
  }

  marker(type: unknown): number {
    const [own = 0, , onContent = 0, onSource = 0] = this.#markers;
    if (own !== 0) return own;
    return type === 'tool_result' ? onContent : type === 'document' ? onSource : 0;
  }

  #visitScalar(value: unknown, raw: string, key: string | null): void {
    if (key === 'type') {
      this.#source.type = value;
      if (value !== 'image' || this.#isTool) return;
      this.#images++;
      this.#findings.images = true;
    }
    if (key === 'media_type') this.#source.isImage = raw.startsWith('"image');
    if (key === 'data') this.#source.dataBytes = typeof value === 'string' ? spelledBytes(raw) - 2 : 0;
  }
}

function noSource(): { type: unknown; isImage: boolean; dataBytes: number } {
  return { type: undefined, isImage: false, dataBytes: 0 };
}

function markerOf(value: RawJson | undefined): number {
  const type = memberOf(value, 'type');
  if (type?.kind !== 'scalar' || type.value !== 'ephemeral') return 0;
  const ttl = memberOf(value, 'ttl');
  return ttl?.kind === 'scalar' && ttl.value === '1h' ? BLOCK_TRAITS.marked1h : BLOCK_TRAITS.marked5m;
}

/** Bytes of UTF-8 once escapes are what they spell; half a pair of surrogates is half of what both are. */
function spelledBytes(raw: string): number {
  const spelled = raw.replace(/\\(?:u([0-9a-fA-F]{4})|.)/g, (_, hex: string | undefined) => {
    if (hex === undefined) return 'x';
    const unit = Number.parseInt(hex, 16);
    const isSurrogate = unit >= 0xd800 && unit < 0xe000;
    return unit < 0x80 ? 'x' : unit < 0x800 || isSurrogate ? 'xx' : 'xxx';
  });
  return Buffer.byteLength(spelled);
}
