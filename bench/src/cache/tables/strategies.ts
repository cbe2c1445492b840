import {
  billOf,
  planPrefixes,
  UPSTREAM_PROFILES,
  type MarkerMode,
  type PromptBlocks,
  type UpstreamProfile,
} from '@batchwright/core';
import { submitted } from '../orders/file-order.ts';
import { leaderFirst } from '../orders/leader-first.ts';
import type { BillTally } from '../play/bill-tally.ts';
import type { Played, PlayedBatch } from '../play/play-terms.ts';
import { play } from '../play/play.ts';
import { USUAL_TIMING } from '../play/simulated-upstream.ts';
import { prefixesOf } from '../prompts/prompt-table.ts';
import { OUTPUT_TOKENS, PLAYED_AT_MS } from '../workloads/models.ts';

/** What a way of sending a batch came to. */
export interface Spent {
  readonly written: number;
  readonly read: number;
  readonly input: number;
  readonly fullUsd: number;
  /** With the batch discount, which synchronous warm-ups do not get. */
  readonly halfUsd: number;
  readonly seconds: number;
}

const TENANT = 'a';

/** Ways of sending the same prompts, each played. */
export class Strategies {
  readonly model: { readonly model: string; readonly minimumTokens: number };
  readonly #concurrency: number;

  constructor(model: Strategies['model'], concurrency: number) {
    this.model = model;
    this.#concurrency = concurrency;
  }

  /** In the order they stand in. */
  asSent(prompts: PromptBlocks): Spent {
    return this.#spent(this.#play([inOrder(prompts)], this.#concurrency), 0);
  }

  /** Without a bound on what runs at once, as a native batch was measured to do. */
  allAtOnce(prompts: PromptBlocks): Spent {
    return this.#spent(this.#play([inOrder(prompts)], prompts.requestCount), 0);
  }

  /** All warm-ups first, then the prompts, with the same places. */
  warmedFirst(warmUps: PromptBlocks, prompts: PromptBlocks): Spent {
    return this.#spent(this.#play(warmed(warmUps, prompts), this.#concurrency), 1);
  }

  /** The recipe as its author thought: everything finds what the warm-ups wrote. */
  asIntended(warmUps: PromptBlocks, prompts: PromptBlocks): Spent {
    return this.#spent(this.#play(warmed(warmUps, prompts), prompts.requestCount), 1);
  }

  /** As it was measured since: a batch finds nothing that a synchronous call wrote, nor what its own items write. */
  asMeasured(warmUps: PromptBlocks, prompts: PromptBlocks): Spent {
    return this.#spent(this.#play(warmed(warmUps, prompts, 'msgbatch_native'), prompts.requestCount), 1);
  }

  /** Core's plan and schedule. */
  planned(prompts: PromptBlocks, markers: MarkerMode, readyOn: UpstreamProfile['readyOn'] = 'first_byte'): Spent {
    const { minimumTokens } = this.model;
    const plan = planPrefixes(prompts, { markers, profile: 'required', minimumTokens: () => minimumTokens });
    const batch = { tenant: TENANT, prompts, plan, makeOrder: leaderFirst(plan) };
    return this.#spent(this.#play([batch], this.#concurrency, readyOn), 0);
  }

  /** Of each prompt so many blocks: what a warm-up call sends. */
  prefixes(prompts: PromptBlocks, blocks: number): PromptBlocks {
    return prefixesOf(
      prompts,
      Array.from({ length: prompts.requestCount }, () => blocks),
    );
  }

  #play(
    batches: readonly PlayedBatch[],
    concurrency: number,
    readyOn: UpstreamProfile['readyOn'] = 'first_byte',
  ): Played {
    return play({
      batches,
      concurrency,
      profile: { ...UPSTREAM_PROFILES.anthropic, readyOn },
      minimumTokens: this.model.minimumTokens,
      upstream: { timing: USUAL_TIMING },
      // As arithmetic has it: that reads hit is known, and not tried out first. W1–W20 begin without knowing.
      isProven: true,
    });
  }

  /** The first `warmUps` batches are synchronous calls of one token. */
  #spent({ tallies, makespanMs }: Played, warmUps: number): Spent {
    const [first, rest] = [tallies.slice(0, warmUps), tallies.slice(warmUps)];
    const usdOf = (each: readonly BillTally[], outputTokens: number, isBatch: boolean): number =>
      each.reduce((sum, tally) => sum + this.#usd(tally, outputTokens, isBatch), 0);
    const warmUsd = usdOf(first, 1, false);
    return {
      written: sumOf(tallies, (tally) => tally.writtenTokens),
      read: sumOf(tallies, ({ bill }) => bill.readTokens),
      input: sumOf(tallies, ({ bill }) => bill.inputTokens),
      fullUsd: warmUsd + usdOf(rest, OUTPUT_TOKENS, false),
      halfUsd: warmUsd + usdOf(rest, OUTPUT_TOKENS, true),
      seconds: makespanMs / 1000,
    };
  }

  #usd(tally: BillTally, outputTokens: number, isBatch: boolean): number {
    const nanoUsd = billOf(this.model.model, tally.tokenCounts(outputTokens), { atMs: PLAYED_AT_MS, isBatch });
    if (nanoUsd === null) throw new Error(`${this.model.model} has no price.`);
    return nanoUsd / 1e9;
  }
}

function inOrder(prompts: PromptBlocks): PlayedBatch {
  return { tenant: TENANT, prompts, plan: null, makeOrder: submitted(prompts) };
}

function warmed(warmUps: PromptBlocks, prompts: PromptBlocks, nativeBatch?: string): readonly PlayedBatch[] {
  return [
    { ...inOrder(warmUps), answerMs: 0 },
    { ...inOrder(prompts), after: 0, nativeBatch },
  ];
}

function sumOf(tallies: readonly BillTally[], part: (tally: BillTally) => number): number {
  return tallies.reduce((sum, tally) => sum + part(tally), 0);
}
