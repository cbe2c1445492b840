import { BLOCK_TRAITS, type PromptBlocks } from './prompt-blocks.ts';

const MARKED = BLOCK_TRAITS.marked5m | BLOCK_TRAITS.marked1h;

/** The markers that the client set, and from how many tokens on each model heeds one. */
export class ClientMarks {
  readonly #blocks: PromptBlocks;
  readonly #minimum: Float64Array;
  /** Whether any prompt has a marker: most batches have none, and are spared the passes over them. */
  readonly any: boolean;

  constructor(blocks: PromptBlocks, minimumTokens: (model: string) => number) {
    this.#blocks = blocks;
    this.#minimum = Float64Array.from(blocks.models, minimumTokens);
    this.any = hasMarks(blocks.traits);
  }

  /** The fewest tokens a prefix of the model can have to be cached. */
  minimum(model: number): number {
    return this.#minimum[model] ?? Infinity;
  }

  /** Fills `into` with the marked blocks of a request, in order. */
  read(request: number, into: number[]): void {
    this.#collect(request, 0, into);
  }

  /** As `read`, without those on prefixes too short to be cached: the upstream ignores them. */
  readEffective(request: number, into: number[]): void {
    this.#collect(request, this.minimum(this.#blocks.model[request] as number), into);
  }

  /**
   * Most requests have as many markers as the one before. Emptied first, the array would let go of its memory at each of
   * 100,000 requests, and take new.
   */
  #collect(request: number, minimum: number, into: number[]): void {
    const { firstBlock, traits, tokens } = this.#blocks;
    const end = this.any ? (firstBlock[request + 1] as number) : 0;
    let count = 0;
    for (let block = firstBlock[request] as number; block < end; block++) {
      if (((traits[block] as number) & MARKED) === 0 || (tokens[block] as number) < minimum) continue;
      into[count] = block;
      count += 1;
    }
    if (into.length > count) into.length = count;
  }

  isLong(block: number): boolean {
    return ((this.#blocks.traits[block] as number) & BLOCK_TRAITS.marked1h) !== 0;
  }
}

function hasMarks(traits: Uint8Array): boolean {
  for (let block = 0; block < traits.length; block++) if (((traits[block] as number) & MARKED) !== 0) return true;
  return false;
}
