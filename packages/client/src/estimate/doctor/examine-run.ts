import { estimateWarnings, growTrie, TTL_CODES, type Estimated, type EstimateWarning } from '@batchwright/core';
import { reckon, UNHURRIED, type EstimateOptions } from '../estimate-run.ts';
import { scanRequests, type KnownRequests, type Requests } from '../scan-requests.ts';
import type { Finding } from './finding.ts';
import { CachingCosts } from './loss.ts';
import { findMarkerProblems } from './marker-findings.ts';
import { findModelStarts, modelFinding } from './model-finding.ts';
import { pickPrompts, type PickedPrompts } from './picked-prompts.ts';
import { findPartings } from './sibling-pairs.ts';
import { findSharing } from './sharing-findings.ts';
import { findToolOrders, toolOrderExamples, toolOrderFinding } from './tool-order-finding.ts';

/**
 * Explains, before anything is paid, which prompts of a run will not be cached and why. The requests are read twice: once
 * to learn what all of them share, in a few bytes each, and once to look at a few hundred byte by byte.
 */
export interface Examination {
  readonly requests: number;
  /** By what they cost, the dearest first; none is left out that costs one part in a hundred. */
  readonly findings: readonly Finding[];
  /** Expected of the whole run as it is; null without prices. */
  readonly expectedNanoUsd: number | null;
}

/** As of an estimate; a run goes in waves. */
export type ExamineOptions = Omit<EstimateOptions, 'waves'>;

/** What costs less than this part of all prompts is not worth a word. */
const LEAST_SHARE = 0.01;

/** Examines the requests of a run; `requests` is called for each of two passes, which must give the same. */
export async function examineRun(requests: () => Requests, options: ExamineOptions): Promise<Examination> {
  const known = await scanRequests(requests());
  const run = new RunUnderExamination(known, options);
  const prompts = await pickPrompts(requests(), run.picked(), known.blocks.requestCount);
  return { requests: known.blocks.requestCount, findings: run.findings(prompts), expectedNanoUsd: run.expectedNanoUsd };
}

class RunUnderExamination {
  readonly #known: KnownRequests;
  readonly #estimated: Estimated;
  readonly #warnings: readonly EstimateWarning[];
  readonly #trie;
  readonly #partings;
  readonly #toolOrders;
  readonly #starts;
  readonly #costs = new Map<number, CachingCosts>();

  constructor(known: KnownRequests, options: ExamineOptions) {
    const { blocks, notes } = known;
    this.#known = known;
    this.#estimated = reckon(known, options);
    this.#warnings = estimateWarnings(this.#estimated, UNHURRIED);
    this.#trie = growTrie(blocks);
    this.#partings = findPartings(blocks, this.#trie, LEAST_SHARE);
    this.#toolOrders = findToolOrders(blocks, notes);
    this.#starts = findModelStarts(blocks, this.#trie);
  }

  get expectedNanoUsd(): number | null {
    return this.#estimated.estimate.nanoUsd?.expected ?? null;
  }

  /** The requests that are looked at byte by byte. */
  picked(): ReadonlySet<number> {
    return new Set([
      ...this.#partings.flatMap(({ pairs }) => pairs.flatMap(({ left, right }) => [left, right])),
      ...toolOrderExamples(this.#toolOrders),
      ...this.#starts.map(({ request }) => request),
      ...this.#warnings.flatMap(({ examples }) => examples),
    ]);
  }

  findings(prompts: PickedPrompts): readonly Finding[] {
    const source = {
      ...this.#estimated,
      estimated: this.#estimated,
      trie: this.#trie,
      warnings: this.#warnings,
      customId: (request: number) => this.#known.ids.at(request),
      prompt: (request: number) => prompts.at(request),
      path: (request: number, block: number) => prompts.at(request)?.parts[block]?.path ?? '',
      costs: (model: number) => this.#costsOf(model),
      minimum: (model: number) => this.#estimated.terms.minimumTokens(this.#nameOf(model)),
    };
    return this.#ranked([
      ...findMarkerProblems(source),
      ...toolOrderFinding(this.#toolOrders, source),
      ...findSharing(this.#partings, source),
      ...modelFinding(this.#starts, source),
    ]);
  }

  #ranked(findings: readonly Finding[]): readonly Finding[] {
    const { tokens } = this.#estimated.estimate;
    const paid = tokens.input + tokens.written5m * 1.25 + tokens.written1h * 2 + tokens.read * 0.1;
    const worthAWord = findings.filter(({ loss }) => loss.tokens > 0 && loss.tokens >= paid * LEAST_SHARE);
    const isPriced = worthAWord.every(({ loss }) => loss.nanoUsd !== null);
    const weight = ({ loss }: Finding): number => (isPriced ? (loss.nanoUsd ?? 0) : loss.tokens);
    return worthAWord.toSorted((a, b) => weight(b) - weight(a));
  }

  #costsOf(model: number): CachingCosts {
    const known = this.#costs.get(model);
    if (known !== undefined) return known;
    const costs = new CachingCosts(this.#nameOf(model), 0, TTL_CODES['1h'], this.#estimated.terms);
    this.#costs.set(model, costs);
    return costs;
  }

  #nameOf(model: number): string {
    return this.#estimated.blocks.models[model] ?? '';
  }
}
