import { ClientMarks } from '../prefix/client-marks.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PromptBlocks } from '../prefix/prompt-blocks.ts';
import { TTL_CODES } from '../prefix/token-rates.ts';
import type { UpstreamProfile } from '../schedule/upstream-profile.ts';
import type { TokenCounts } from './bill.ts';
import { Ledger, type LedgerTerms, type LedgerTotals, type RequestUse } from './ledger.ts';
import { PrefixAccount } from './prefix-account.ts';

/** What a batch will use and cost if all goes as planned, but for its answers, which nobody knows. */
export interface Prediction {
  /** Prefixes to be cached. */
  readonly prefixes: number;
  /** Requests that share one. */
  readonly sharingRequests: number;
  /** In estimated tokens, the answers left out. */
  readonly totals: LedgerTotals;
}

export interface PredictionTerms extends LedgerTerms {
  /** What the upstream reports: where it does not tell writes or reads, they are input, as they will be in the ledger. */
  readonly reports: UpstreamProfile['usage'];
  readonly minimumTokens: (model: string) => number;
}

/**
 * The ledger of a batch before it runs: of each prefix the first request through it writes what none before it has
 * written, reads what is above, and all others read. The tokens of each kind are those of `predictUsage`.
 */
export function predictLedger(blocks: PromptBlocks, plan: PlacedPlan, terms: PredictionTerms): Prediction {
  const ledger = new Ledger();
  const account = new PrefixAccount(plan, 'full');
  const prompts = new PlannedPrompts(blocks, plan, terms);
  let sharingRequests = 0;
  for (let request = 0; request < plan.requestCount; request++) {
    const tokens = prompts.tokensOf(request);
    const share = account.settled(request, tokens);
    if (plan.anchor[request] !== -1) sharingRequests += 1;
    const model = blocks.models[blocks.model[request] as number] ?? '';
    ledger.addUsage(asReported(model, tokens, terms.reports), share, terms);
  }
  return { prefixes: plan.nodeCount, sharingRequests, totals: ledger.totals };
}

/** What each request of a plan will write, read and leave, in the order of submission. */
class PlannedPrompts {
  readonly #plan: PlacedPlan;
  readonly #blocks: PromptBlocks;
  readonly #isWritten: Uint8Array;
  /** Null when no client's mark lies behind the shared ones. */
  readonly #marks: ClientMarks | null;
  readonly #marked: number[] = [];

  constructor(blocks: PromptBlocks, plan: PlacedPlan, { minimumTokens }: PredictionTerms) {
    this.#plan = plan;
    this.#blocks = blocks;
    this.#isWritten = new Uint8Array(plan.nodeCount);
    const { written5m, written1h } = plan.unshared;
    this.#marks = written5m + written1h === 0 ? null : new ClientMarks(blocks, minimumTokens);
  }

  tokensOf(request: number): TokenCounts {
    const { anchor, parent, tokens, ttl, suffixTokens } = this.#plan;
    const written: [number, number] = [0, 0];
    let node = anchor[request] as number;
    while (node !== -1 && this.#isWritten[node] === 0) {
      this.#isWritten[node] = 1;
      const above = parent[node] as number;
      const code = ttl[node] === TTL_CODES['1h'] ? 1 : 0;
      written[code] += (tokens[node] as number) - (above === -1 ? 0 : (tokens[above] as number));
      node = above;
    }
    const behind = this.#writtenBehind(request);
    return {
      inputTokens: (suffixTokens[request] as number) - behind[0] - behind[1],
      write5mTokens: written[0] + behind[0],
      write1hTokens: written[1] + behind[1],
      readTokens: node === -1 ? 0 : (tokens[node] as number),
      outputTokens: 0,
    };
  }

  /** At the client's own marks behind the anchor: for an hour up to the last that asks for it, from there for minutes. */
  #writtenBehind(request: number): readonly [number, number] {
    if (this.#marks === null) return [0, 0];
    this.#marks.readEffective(request, this.#marked);
    const anchor = this.#plan.anchor[request] as number;
    const start = anchor === -1 ? 0 : (this.#plan.tokens[anchor] as number);
    let [long, end] = [start, start];
    for (const block of this.#marked) {
      end = Math.max(end, this.#blocks.tokens[block] as number);
      if (this.#marks.isLong(block)) long = end;
    }
    return [end - long, long - start];
  }
}

function asReported(model: string, tokens: TokenCounts, reports: UpstreamProfile['usage']): RequestUse {
  const { inputTokens, write5mTokens, write1hTokens, readTokens, outputTokens } = tokens;
  const inferenceGeo = null;
  if (reports === 'full') {
    return { model, inferenceGeo, inputTokens, write5mTokens, write1hTokens, readTokens, outputTokens };
  }
  const told = reports === 'read_only' ? readTokens : 0;
  const untold = inputTokens + write5mTokens + write1hTokens + readTokens - told;
  return {
    model,
    inferenceGeo,
    inputTokens: untold,
    write5mTokens: 0,
    write1hTokens: 0,
    readTokens: told,
    outputTokens,
  };
}
