/**
 * A plan as bytes, for a server to keep beside its batch. The sections are the arrays themselves (little-endian), widest
 * first so that each lies at a multiple of its width; reading one back lays views over the bytes.
 *
 *      0  "BWPREFIX"                      magic
 *      8  u32 version                     1
 *     12  u32 requests
 *     16  u32 nodes
 *     20  u32 added                       markers to add
 *     24  u32 models
 *     28  u32 modelUnits                  UTF-16 units of all models' names
 *     32  f64 unshared.written5m
 *     40  f64 unshared.written1h
 *     48  u32 hasReach                    0 or 1
 *     52  u32 zero
 *     56  f64 hash          [nodes]
 *         i32 parent        [nodes]
 *         u32 tokens        [nodes]
 *         u32 requests      [nodes]
 *         u32 block         [nodes]
 *         u32 added.first   [nodes + 1]
 *         u32 added.block   [added]
 *         i32 anchor        [requests]
 *         u32 suffixTokens  [requests]
 *         u16 model         [nodes]
 *         u16 modelLength   [models]
 *         u16 modelName     [modelUnits]  back to back
 *         u8  ttl           [nodes]
 *         u8  added.ttl     [added]
 *         u8  reach         [requests or 0]
 *
 * A checksum is the keeper's matter. Without one, what breaks the plan's own rules is refused; a changed number of
 * tokens is not seen.
 */
import { assert } from '../assertion.ts';
import type { PlacedPlan } from './placed-plan.ts';
import { MARKER_SLOTS } from './mark-demands.ts';

const MAGIC = 'BWPREFIX';
const VERSION = 1;
const HEADER_BYTES = 56;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

interface Sizes {
  readonly requests: number;
  readonly nodes: number;
  readonly added: number;
  readonly models: number;
  readonly modelUnits: number;
  readonly reach: number;
}

/** Writes a plan as bytes that own their buffer. */
export function encodePlan(plan: PlacedPlan): Uint8Array<ArrayBuffer> {
  assert(isLittleEndian, () => 'plans are laid over bytes and need a little-endian machine');
  const names = plan.models.join('');
  const sizes: Sizes = {
    requests: plan.requestCount,
    nodes: plan.nodeCount,
    added: plan.added.block.length,
    models: plan.models.length,
    modelUnits: names.length,
    reach: plan.reach?.length ?? 0,
  };
  const bytes = new Uint8Array(totalBytes(sizes));
  writeHeader(bytes, sizes, plan);
  const sections = layOut(bytes.buffer, sizes);
  sections.hash.set(plan.hash);
  sections.parent.set(plan.parent);
  sections.tokens.set(plan.tokens);
  sections.requests.set(plan.requests);
  sections.block.set(plan.block);
  sections.addedFirst.set(plan.added.first);
  sections.addedBlock.set(plan.added.block);
  sections.anchor.set(plan.anchor);
  sections.suffixTokens.set(plan.suffixTokens);
  sections.model.set(plan.model);
  sections.modelLength.set(plan.models.map((name) => name.length));
  for (let i = 0; i < names.length; i++) sections.modelName[i] = names.charCodeAt(i);
  sections.ttl.set(plan.ttl);
  sections.addedTtl.set(plan.added.ttl);
  if (plan.reach !== null) sections.reach.set(plan.reach);
  return bytes;
}

/** Lays a plan over its bytes, which must not change afterwards; null when they are not a whole plan. */
export function decodePlan(bytes: Uint8Array<ArrayBuffer>): PlacedPlan | null {
  assert(isLittleEndian, () => 'plans are laid over bytes and need a little-endian machine');
  if (bytes.length < HEADER_BYTES) return null;
  // Views need the sections at multiples of their widths; bytes from a shared pool may begin anywhere.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const header = new DataView(aligned.buffer, aligned.byteOffset, HEADER_BYTES);
  const sizes = readSizes(aligned, header);
  if (sizes === null || aligned.length !== totalBytes(sizes)) return null;
  const sections = layOut(aligned.buffer, sizes, aligned.byteOffset);
  const models = readModels(sections);
  if (models === null) return null;
  const plan: PlacedPlan = {
    nodeCount: sizes.nodes,
    parent: sections.parent,
    hash: sections.hash,
    tokens: sections.tokens,
    requests: sections.requests,
    block: sections.block,
    ttl: sections.ttl,
    model: sections.model,
    models,
    requestCount: sizes.requests,
    anchor: sections.anchor,
    suffixTokens: sections.suffixTokens,
    reach: header.getUint32(48, true) === 1 ? sections.reach : null,
    added: { first: sections.addedFirst, block: sections.addedBlock, ttl: sections.addedTtl },
    unshared: { written5m: header.getFloat64(32, true), written1h: header.getFloat64(40, true) },
  };
  return isSound(plan) ? plan : null;
}

function writeHeader(bytes: Uint8Array<ArrayBuffer>, sizes: Sizes, plan: PlacedPlan): void {
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  const numbers = [VERSION, sizes.requests, sizes.nodes, sizes.added, sizes.models, sizes.modelUnits];
  numbers.forEach((number, i) => view.setUint32(8 + 4 * i, number, true));
  view.setFloat64(32, plan.unshared.written5m, true);
  view.setFloat64(40, plan.unshared.written1h, true);
  view.setUint32(48, plan.reach === null ? 0 : 1, true);
}

function readSizes(bytes: Uint8Array, header: DataView): Sizes | null {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC.charCodeAt(i)) return null;
  const hasReach = header.getUint32(48, true);
  if (header.getUint32(8, true) !== VERSION || hasReach > 1 || header.getUint32(52, true) !== 0) return null;
  const requests = header.getUint32(12, true);
  return {
    requests,
    nodes: header.getUint32(16, true),
    added: header.getUint32(20, true),
    models: header.getUint32(24, true),
    modelUnits: header.getUint32(28, true),
    reach: hasReach === 1 ? requests : 0,
  };
}

function totalBytes({ requests, nodes, added, models, modelUnits, reach }: Sizes): number {
  const words = 5 * nodes + 1 + added + 2 * requests;
  return HEADER_BYTES + 8 * nodes + 4 * words + 2 * (nodes + models + modelUnits) + nodes + added + reach;
}

interface Sections {
  readonly hash: Float64Array<ArrayBuffer>;
  readonly parent: Int32Array<ArrayBuffer>;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly requests: Uint32Array<ArrayBuffer>;
  readonly block: Uint32Array<ArrayBuffer>;
  readonly addedFirst: Uint32Array<ArrayBuffer>;
  readonly addedBlock: Uint32Array<ArrayBuffer>;
  readonly anchor: Int32Array<ArrayBuffer>;
  readonly suffixTokens: Uint32Array<ArrayBuffer>;
  readonly model: Uint16Array<ArrayBuffer>;
  readonly modelLength: Uint16Array<ArrayBuffer>;
  readonly modelName: Uint16Array<ArrayBuffer>;
  readonly ttl: Uint8Array<ArrayBuffer>;
  readonly addedTtl: Uint8Array<ArrayBuffer>;
  readonly reach: Uint8Array<ArrayBuffer>;
}

function layOut(buffer: ArrayBuffer, sizes: Sizes, start = 0): Sections {
  let at = start + HEADER_BYTES;
  const take = (width: number, length: number): number => {
    const from = at;
    at += width * length;
    return from;
  };
  const { requests, nodes, added, models, modelUnits, reach } = sizes;
  return {
    hash: new Float64Array(buffer, take(8, nodes), nodes),
    parent: new Int32Array(buffer, take(4, nodes), nodes),
    tokens: new Uint32Array(buffer, take(4, nodes), nodes),
    requests: new Uint32Array(buffer, take(4, nodes), nodes),
    block: new Uint32Array(buffer, take(4, nodes), nodes),
    addedFirst: new Uint32Array(buffer, take(4, nodes + 1), nodes + 1),
    addedBlock: new Uint32Array(buffer, take(4, added), added),
    anchor: new Int32Array(buffer, take(4, requests), requests),
    suffixTokens: new Uint32Array(buffer, take(4, requests), requests),
    model: new Uint16Array(buffer, take(2, nodes), nodes),
    modelLength: new Uint16Array(buffer, take(2, models), models),
    modelName: new Uint16Array(buffer, take(2, modelUnits), modelUnits),
    ttl: new Uint8Array(buffer, take(1, nodes), nodes),
    addedTtl: new Uint8Array(buffer, take(1, added), added),
    reach: new Uint8Array(buffer, take(1, reach), reach),
  };
}

function readModels({ modelLength, modelName }: Sections): readonly string[] | null {
  let at = 0;
  const models = Array.from(modelLength, (length) => {
    const units = modelName.subarray(at, (at += length));
    return Array.from(units, (unit) => String.fromCharCode(unit)).join('');
  });
  return at === modelName.length ? models : null;
}

/** Every id names something, parents come first and are shorter, and no sum can go wrong. */
function isSound(plan: PlacedPlan): boolean {
  const { added, unshared } = plan;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  return (
    isCount(unshared.written5m) &&
    isCount(unshared.written1h) &&
    plan.hash.every(Number.isSafeInteger) &&
    plan.parent.every((parent, v) => parent >= -1 && parent < v && isBelow(plan, v, parent)) &&
    plan.requests.every((requests) => requests >= 2 && requests <= plan.requestCount) &&
    plan.ttl.every((ttl) => ttl <= 1) &&
    plan.model.every((model) => model < plan.models.length) &&
    plan.anchor.every((anchor) => anchor >= -1 && anchor < plan.nodeCount) &&
    (plan.reach ?? []).every((reach, r) => reach === 0 || plan.anchor[r] !== -1) &&
    added.first[0] === 0 &&
    added.first[plan.nodeCount] === added.block.length &&
    added.first.every((first, v) => v === 0 || isShortRun(added.first[v - 1] as number, first)) &&
    added.ttl.every((ttl) => ttl <= 1)
  );
}

function isBelow(plan: PlacedPlan, node: number, above: number): boolean {
  if (above < 0) return true;
  const isLater = (plan.block[above] as number) < (plan.block[node] as number);
  return isLater && (plan.tokens[above] as number) <= (plan.tokens[node] as number);
}

function isShortRun(from: number, to: number): boolean {
  return from <= to && to - from <= MARKER_SLOTS;
}
