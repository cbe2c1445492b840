import { planPrefixes, type PlanOptions } from '../prefix/plan-prefixes.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { blocksOf, type Block } from '../prefix/prompts.fixture.ts';
import type { Turn } from '../schedule/turn.ts';
import type { UpstreamProfile } from '../schedule/upstream-profile.ts';
import { Ledger, sumOfModels, type RequestUse, type UsageSum } from './ledger.ts';
import { NO_SHARE, PrefixAccount } from './prefix-account.ts';

export const SONNET = 'claude-sonnet-4-5-20250929';
export const TERMS = { atMs: Date.parse('2026-11-21T00:00:00Z'), isBatch: true, isPriced: true } as const;
const NOTHING = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

/** What an answer used, of Sonnet unless it says otherwise. */
export function use(tokens: Partial<RequestUse>): RequestUse {
  return { model: SONNET, inferenceGeo: null, ...NOTHING, ...tokens };
}

/** The ledger of requests that share nothing. */
export function sumOf(...uses: readonly RequestUse[]): UsageSum {
  const ledger = new Ledger();
  for (const one of uses) ledger.addUsage(one, NO_SHARE, TERMS);
  return sumOfModels(ledger.totals);
}

export function planOf(prompts: readonly (readonly Block[])[], options: Partial<PlanOptions> = {}): PlacedPlan {
  return planPrefixes(blocksOf(prompts), {
    markers: 'auto',
    profile: 'required',
    minimumTokens: () => 1024,
    ...options,
  });
}

/** One answer of a batch, in the order of its results. */
export interface Settled {
  readonly request: number;
  readonly tokens: Partial<RequestUse>;
  /** How it had been sent. */
  readonly as?: Pick<Turn, 'role' | 'reason'>;
}

/** The ledger of a planned batch. */
export function settle(
  plan: PlacedPlan,
  answers: readonly Settled[],
  reports: UpstreamProfile['usage'] = 'full',
): UsageSum {
  const account = new PrefixAccount(plan, reports);
  const ledger = new Ledger();
  for (const { request, tokens, as } of answers) {
    if (as !== undefined) account.taken({ request, ...as });
    const used = use(tokens);
    if (used.readTokens + used.write5mTokens + used.write1hTokens > 0) account.warmed(request);
    ledger.addUsage(used, account.settled(request, used), TERMS);
  }
  return sumOfModels(ledger.totals);
}
