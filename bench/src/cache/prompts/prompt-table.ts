import { BLOCK_TRAITS, type MarkerTtl, type PromptBlocks } from '@batchwright/core';

/** A block of a prompt: what it says, as a number, and how long that is. */
export interface Block {
  readonly says: number;
  readonly tokens: number;
  readonly mark?: MarkerTtl | undefined;
}

/** Prompts written down block by block, in the form that intake notes them, but with exact tokens. */
export class PromptTable {
  readonly #firstBlock = [0];
  readonly #hash: number[] = [];
  readonly #tokens: number[] = [];
  readonly #traits: number[] = [];
  readonly #model: number;

  /** All prompts of a table are for one model; `model` tells it apart from the models of other tables. */
  constructor(model = 0) {
    this.#model = model;
  }

  add(blocks: readonly Block[]): void {
    let hash = this.#model;
    let tokens = 0;
    for (const block of blocks) {
      hash = chained(hash, block.says);
      tokens += block.tokens;
      this.#hash.push(hash);
      this.#tokens.push(tokens);
      this.#traits.push(BLOCK_TRAITS.markable | markOf(block.mark));
    }
    this.#firstBlock.push(this.#hash.length);
  }

  prompts(model: string): PromptBlocks {
    const requestCount = this.#firstBlock.length - 1;
    return {
      requestCount,
      firstBlock: Uint32Array.from(this.#firstBlock),
      hash: Float64Array.from(this.#hash),
      tokens: Uint32Array.from(this.#tokens),
      traits: Uint8Array.from(this.#traits),
      model: new Uint16Array(requestCount),
      models: [model],
    };
  }
}

/** Some of the prompts, in the order they are named. */
export function promptsAt(prompts: PromptBlocks, requests: ArrayLike<number>): PromptBlocks {
  const firstBlock = new Uint32Array(requests.length + 1);
  for (let i = 0; i < requests.length; i++) firstBlock[i + 1] = firstBlock[i]! + blockCount(prompts, requests[i]!);
  const total = firstBlock[requests.length]!;
  const hash = new Float64Array(total);
  const tokens = new Uint32Array(total);
  const traits = new Uint8Array(total);
  const model = new Uint16Array(requests.length);
  for (let i = 0; i < requests.length; i++) {
    const [from, to] = blockRange(prompts, requests[i]!);
    hash.set(prompts.hash.subarray(from, to), firstBlock[i]);
    tokens.set(prompts.tokens.subarray(from, to), firstBlock[i]);
    traits.set(prompts.traits.subarray(from, to), firstBlock[i]);
    model[i] = prompts.model[requests[i]!]!;
  }
  return { requestCount: requests.length, firstBlock, hash, tokens, traits, model, models: prompts.models };
}

/** The prompts of several tables for the same models, one table after another. */
export function joined(tables: readonly PromptBlocks[]): PromptBlocks {
  const [first] = tables;
  if (tables.length === 1 && first !== undefined) return first;
  const requestCount = tables.reduce((sum, table) => sum + table.requestCount, 0);
  const total = tables.reduce((sum, table) => sum + table.hash.length, 0);
  const all = {
    requestCount,
    firstBlock: new Uint32Array(requestCount + 1),
    hash: new Float64Array(total),
    tokens: new Uint32Array(total),
    traits: new Uint8Array(total),
    model: new Uint16Array(requestCount),
    models: first?.models ?? [],
  };
  let [request, block] = [0, 0];
  for (const table of tables) {
    all.hash.set(table.hash, block);
    all.tokens.set(table.tokens, block);
    all.traits.set(table.traits, block);
    all.model.set(table.model, request);
    for (let r = 0; r < table.requestCount; r++) all.firstBlock[request + r + 1] = block + table.firstBlock[r + 1]!;
    request += table.requestCount;
    block += table.hash.length;
  }
  return all;
}

/** The same prompts without a marker of the client's. */
export function unmarked(prompts: PromptBlocks): PromptBlocks {
  return { ...prompts, traits: prompts.traits.map((traits) => traits & BLOCK_TRAITS.markable) };
}

/** The first so many blocks of each prompt. */
export function prefixesOf(prompts: PromptBlocks, lengths: readonly number[]): PromptBlocks {
  const keeps = (at: number, request: number): boolean => at - prompts.firstBlock[request]! < lengths[request]!;
  const kept: number[] = [];
  const firstBlock = new Uint32Array(prompts.requestCount + 1);
  for (let request = 0; request < prompts.requestCount; request++) {
    const [from, to] = blockRange(prompts, request);
    for (let at = from; at < to && keeps(at, request); at++) kept.push(at);
    firstBlock[request + 1] = kept.length;
  }
  return {
    ...prompts,
    firstBlock,
    hash: Float64Array.from(kept, (at) => prompts.hash[at]!),
    tokens: Uint32Array.from(kept, (at) => prompts.tokens[at]!),
    traits: Uint8Array.from(kept, (at) => prompts.traits[at]!),
  };
}

/** Where the blocks of a prompt lie: from, and up to but without. */
function blockRange(prompts: PromptBlocks, request: number): readonly [number, number] {
  return [prompts.firstBlock[request]!, prompts.firstBlock[request + 1]!];
}

function blockCount(prompts: PromptBlocks, request: number): number {
  const [from, to] = blockRange(prompts, request);
  return to - from;
}

function markOf(mark: MarkerTtl | undefined): number {
  if (mark === undefined) return 0;
  return mark === '1h' ? BLOCK_TRAITS.marked1h : BLOCK_TRAITS.marked5m;
}

/** The identity of a prompt up to and including a block, in 53 bits. */
function chained(before: number, says: number): number {
  const low = scattered((before >>> 0) ^ scattered(says + 0x9e3779b9));
  const high = scattered((Math.floor(before / 2 ** 32) ^ Math.imul(says, 0x85ebca6b)) + low);
  return (high & 0x1fffff) * 2 ** 32 + low;
}

/** The last step of MurmurHash3: every bit of the input moves every bit of the output. */
export function scattered(word: number): number {
  let mixed = word >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
