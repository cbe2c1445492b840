import { expectInSteps } from '../prefix/expected-usage.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PlanOptions } from '../prefix/plan-prefixes.ts';
import type { PredictedUsage } from '../prefix/predicted-usage.ts';
import type { PromptBlocks } from '../prefix/prompt-blocks.ts';
import type { UpstreamProfile } from '../schedule/upstream-profile.ts';
import type { Steps } from '../steps.ts';
import type { TokenCounts } from './bill.ts';
import { Ledger, type LedgerTerms, type LedgerTotals, type RequestUse } from './ledger.ts';
import { noUse } from './message-usage.ts';
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
  // One for all: of a large batch, one for each request would be most of what its upload leaves behind.
  const use: { -readonly [Field in keyof RequestUse]: RequestUse[Field] } = noUse('');
  let sharingRequests = 0;
  yield* expectInSteps(blocks, plan, terms, (request, { planned }) => {
    if (plan.anchor[request] !== -1) sharingRequests += 1;
    use.model = blocks.models[blocks.model[request] as number] ?? '';
    report(planned, terms.reports, use);
    ledger.addUsage(use, account.settled(request, use), terms);
  });
  return { prefixes: plan.nodeCount, sharingRequests, totals: ledger.totals };
}

/** Writes into `use` what an upstream would say of a request. */
function report(
  { written5m, written1h, read, input }: PredictedUsage,
  reports: UpstreamProfile['usage'],
  use: { -readonly [Kind in keyof TokenCounts]: TokenCounts[Kind] },
): void {
  const isFull = reports === 'full';
  use.readTokens = reports === 'none' ? 0 : read;
  use.write5mTokens = isFull ? written5m : 0;
  use.write1hTokens = isFull ? written1h : 0;
  use.inputTokens = isFull ? input : input + written5m + written1h + read - use.readTokens;
}
