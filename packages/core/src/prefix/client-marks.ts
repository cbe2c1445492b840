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
    into.length = 0;
    if (!this.any) return;
    const end = this.#blocks.firstBlock[request + 1] as number;
    for (let block = this.#blocks.firstBlock[request] as number; block < end; block++) {
      if (((this.#blocks.traits[block] as number) & MARKED) !== 0) into.push(block);
    }
  }

  /** As `read`, without those on prefixes too short to be cached: the upstream ignores them. */
  readEffective(request: number, into: number[]): void {
    this.read(request, into);
    if (into.length === 0) return; // Of most requests; what follows makes an array, and there are 100,000 of them.
    const minimum = this.minimum(this.#blocks.model[request] as number);
    let ignored = 0;
    while (ignored < into.length && (this.#blocks.tokens[into[ignored] as number] as number) < minimum) ignored++;
    into.splice(0, ignored);
  }

  isLong(block: number): boolean {
    return ((this.#blocks.traits[block] as number) & BLOCK_TRAITS.marked1h) !== 0;
  }
}

function hasMarks(traits: Uint8Array): boolean {
  for (let block = 0; block < traits.length; block++) if (((traits[block] as number) & MARKED) !== 0) return true;
  return false;
}
