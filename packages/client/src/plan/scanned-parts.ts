import type { PromptBlocks, RequestNotes } from '@batchwright/core';

/** What was noted of requests, which are numbered from 0 in the order they came. */
export interface ScannedRequests {
  readonly blocks: PromptBlocks;
  readonly notes: RequestNotes;
}

/**
 * Blocks kept of all prompts together, 13 bytes each and some forty more while they are planned. What comes beyond counts
 * as one block a prompt: its tokens are known, and nobody shares it.
 */
const MOST_BLOCKS = 4_000_000;
/** The numbers of models are 16 bits wide, and one is for all those that found no place. */
const MOST_MODELS = 65_535;

/** Notes of one body after the other, put together. */
export class ScannedParts {
  readonly #parts: ScannedRequests[] = [];
  readonly #models = new Map<string, number>();
  #blocks = 0;

  /** Takes the notes of one more body. They are copied: they lie where the scanner puts those of its next one. */
  add(blocks: PromptBlocks, notes: RequestNotes): void {
    const isTooMuch = this.#blocks + blocks.hash.length > MOST_BLOCKS;
    const kept = this.#renumbered(isTooMuch ? wholePrompts(blocks) : copied(blocks));
    this.#blocks += kept.hash.length;
    const { maxTokens, toolCount, toolSet } = notes;
    this.#parts.push({
      blocks: kept,
      notes: { maxTokens: maxTokens.slice(), toolCount: toolCount.slice(), toolSet: toolSet.slice() },
    });
  }

  join(): ScannedRequests {
    const blocks = this.#parts.map((part) => part.blocks);
    const notes = this.#parts.map((part) => part.notes);
    const requestCount = blocks.reduce((sum, part) => sum + part.requestCount, 0);
    return {
      blocks: {
        requestCount,
        firstBlock: this.#firstBlocks(requestCount),
        hash: joined(
          blocks.map(({ hash }) => hash),
          new Float64Array(this.#blocks),
        ),
        tokens: joined(
          blocks.map(({ tokens }) => tokens),
          new Uint32Array(this.#blocks),
        ),
        traits: joined(
          blocks.map(({ traits }) => traits),
          new Uint8Array(this.#blocks),
        ),
        model: joined(
          blocks.map(({ model }) => model),
          new Uint16Array(requestCount),
        ),
        models: [...this.#models.keys()],
      },
      notes: {
        maxTokens: joined(
          notes.map(({ maxTokens }) => maxTokens),
          new Uint32Array(requestCount),
        ),
        toolCount: joined(
          notes.map(({ toolCount }) => toolCount),
          new Uint16Array(requestCount),
        ),
        toolSet: joined(
          notes.map(({ toolSet }) => toolSet),
          new Float64Array(requestCount),
        ),
      },
    };
  }

  #renumbered(blocks: PromptBlocks): PromptBlocks {
    const numbers = blocks.models.map((name) => this.#numberOf(name));
    return { ...blocks, model: blocks.model.map((model) => numbers[model] as number) };
  }

  #numberOf(name: string): number {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    if (this.#models.size >= MOST_MODELS && name !== '') return this.#numberOf('');
    this.#models.set(name, this.#models.size);
    return this.#models.size - 1;
  }

  #firstBlocks(requestCount: number): Uint32Array {
    const all = new Uint32Array(requestCount + 1);
    let [request, block] = [0, 0];
    for (const { blocks } of this.#parts) {
      for (let r = 0; r < blocks.requestCount; r++) all[request + r] = block + (blocks.firstBlock[r] as number);
      request += blocks.requestCount;
      block += blocks.hash.length;
    }
    all[requestCount] = block;
    return all;
  }
}

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

function joined<Kind extends Numbers>(parts: readonly Kind[], into: Kind): Kind {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into;
}

function copied(blocks: PromptBlocks): PromptBlocks {
  const { firstBlock, hash, tokens, traits } = blocks;
  return {
    ...blocks,
    firstBlock: firstBlock.slice(),
    hash: hash.slice(),
    tokens: tokens.slice(),
    traits: traits.slice(),
  };
}

/** One block for each prompt that has any, the last: it names the whole prompt, and carries no marker. */
function wholePrompts(blocks: PromptBlocks): PromptBlocks {
  const firstBlock = new Uint32Array(blocks.requestCount + 1);
  const last: number[] = [];
  for (let r = 0; r < blocks.requestCount; r++) {
    const end = blocks.firstBlock[r + 1] as number;
    if (end > (blocks.firstBlock[r] as number)) last.push(end - 1);
    firstBlock[r + 1] = last.length;
  }
  return {
    ...blocks,
    firstBlock,
    hash: Float64Array.from(last, (block) => blocks.hash[block] as number),
    tokens: Uint32Array.from(last, (block) => blocks.tokens[block] as number),
    traits: new Uint8Array(last.length),
  };
}
