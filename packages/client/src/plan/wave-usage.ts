import {
  forEachExpectedUsage,
  planPrefixes,
  type ModelTable,
  type PlanOptions,
  type PredictedUsage,
  type PromptBlocks,
  type WavePlan,
} from '@batchwright/core';

/** What decides what the client's own markers do. */
export type MarkingTerms = Omit<PlanOptions, 'markers'>;

/** Assumed of a model that is not known: what most cache from on. */
const USUAL_MINIMUM_TOKENS = 1024;

/** As the hosted API has it. */
export function markingTerms(models: ModelTable): MarkingTerms {
  const minimumTokens = (model: string): number => models.minimumCacheTokens(model) ?? USUAL_MINIMUM_TOKENS;
  return { profile: 'required', minimumTokens };
}

/** Tells what each request pays if nobody reads anything, with no markers but its client's. */
export function forEachMarkedUsage(
  blocks: PromptBlocks,
  options: MarkingTerms,
  markers: 'respect' | 'off',
  tell: (request: number, usage: Readonly<PredictedUsage>) => void,
): void {
  const none = planPrefixes(blocks, { ...options, markers: 'off' });
  forEachExpectedUsage(blocks, none, { ...options, markers }, (request, { unread }) => tell(request, unread));
}

/**
 * What each request of a run in waves uses. What lasts is read or written as the waves have it. Behind that a request
 * writes up to its client's own last marker, whether it is alone with it or not: nobody is there in time to read it.
 */
export class WaveUsage {
  readonly #waves: Pick<WavePlan, 'read' | 'written1h'>;
  readonly #tokens: Uint32Array;
  /** Where the client's last marker for an hour lies, and the last of all, in tokens. */
  readonly #markedLong: Uint32Array;
  readonly #markedEnd: Uint32Array;
  readonly #usage = { written5m: 0, written1h: 0, read: 0, input: 0 };

  /** `tokens` are those of each prompt; `markers`, whether the client's are sent. */
  constructor(
    blocks: PromptBlocks,
    waves: Pick<WavePlan, 'read' | 'written1h'>,
    options: MarkingTerms,
    tokens: Uint32Array,
    markers: 'respect' | 'off' = 'respect',
  ) {
    this.#waves = waves;
    this.#tokens = tokens;
    this.#markedLong = new Uint32Array(blocks.requestCount);
    this.#markedEnd = new Uint32Array(blocks.requestCount);
    forEachMarkedUsage(blocks, options, markers, (request, own) => {
      this.#markedLong[request] = own.written1h;
      this.#markedEnd[request] = own.written1h + own.written5m;
    });
  }

  /** The same object tells of each request in turn. */
  of(request: number): Readonly<PredictedUsage> {
    const usage = this.#usage;
    usage.read = this.#waves.read[request] as number;
    const lasting = usage.read + (this.#waves.written1h[request] as number);
    const long = Math.max(lasting, this.#markedLong[request] as number);
    const end = Math.max(long, this.#markedEnd[request] as number);
    usage.written1h = long - usage.read;
    usage.written5m = end - long;
    usage.input = (this.#tokens[request] as number) - end;
    return usage;
  }
}

/** The estimated tokens of each prompt. */
export function promptTokens({ requestCount, firstBlock, tokens }: PromptBlocks): Uint32Array {
  return Uint32Array.from({ length: requestCount }, (_, request) => {
    const end = firstBlock[request + 1] as number;
    return end === firstBlock[request] ? 0 : (tokens[end - 1] as number);
  });
}
