import { expectInSteps } from '../prefix/expected-usage.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PlanOptions } from '../prefix/plan-prefixes.ts';
import type { PredictedUsage } from '../prefix/predicted-usage.ts';
import type { PromptBlocks } from '../prefix/prompt-blocks.ts';
import type { UpstreamProfile } from '../schedule/upstream-profile.ts';
import type { Steps } from '../steps.ts';
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

export interface PredictionTerms extends LedgerTerms, Pick<PlanOptions, 'markers' | 'profile' | 'minimumTokens'> {
  /** What the upstream reports: where it does not tell writes or reads, they are input, as they will be in the ledger. */
  readonly reports: UpstreamProfile['usage'];
}

/** The ledger of a batch before it runs. The tokens of each kind are those of `predictUsage`. */
export function* predictLedger(blocks: PromptBlocks, plan: PlacedPlan, terms: PredictionTerms): Steps<Prediction> {
  const ledger = new Ledger();
  const account = new PrefixAccount(plan, terms.reports);
  let sharingRequests = 0;
  yield* expectInSteps(blocks, plan, terms, (request, { planned }) => {
    if (plan.anchor[request] !== -1) sharingRequests += 1;
    const use = asReported(blocks.models[blocks.model[request] as number] ?? '', planned, terms.reports);
    ledger.addUsage(use, account.settled(request, use), terms);
  });
  return { prefixes: plan.nodeCount, sharingRequests, totals: ledger.totals };
}

function asReported(model: string, tokens: PredictedUsage, reports: UpstreamProfile['usage']): RequestUse {
  const { written5m, written1h, read, input } = tokens;
  const told = reports === 'none' ? 0 : read;
  const isFull = reports === 'full';
  return {
    model,
    inferenceGeo: null,
    inputTokens: isFull ? input : input + written5m + written1h + read - told,
    write5mTokens: isFull ? written5m : 0,
    write1hTokens: isFull ? written1h : 0,
    readTokens: told,
    outputTokens: 0,
  };
}
