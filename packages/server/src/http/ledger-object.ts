import {
  hitShare,
  sumOfModels,
  tokensByKind,
  usdOf,
  writeAmplification,
  type LedgerTotals,
  type Prediction,
  type UsageSum,
} from '@batchwright/core';

/** What requests used and cost, in all and by model. The order of keys is part of it. */
export function usageObject(totals: LedgerTotals) {
  return {
    ...sumObject(sumOfModels(totals)),
    models: [...totals].map(([model, sum]) => ({ model, ...sumObject(sum) })),
  };
}

/** The same in all, without the models. */
export function totalsObject(totals: LedgerTotals) {
  return sumObject(sumOfModels(totals));
}

/** A batch's ledger: what its results used and cost, what they would have cost otherwise, and how well it was cached. */
export function ledgerObject(totals: LedgerTotals, results: number) {
  const sum = sumOfModels(totals);
  return {
    results,
    ...usageObject(totals),
    prompts: moneyObject(sum, sum.promptCostNanoUsd),
    against: againstObject(sum),
    cache: {
      write_amplification: rounded(writeAmplification(sum)),
      hit_share: rounded(hitShare(sum)),
      requests: {
        hit: sum.hitRequests,
        cold: sum.coldRequests,
        not_ready: sum.notReadyRequests,
        expired: sum.expiredRequests,
        below_minimum: sum.belowMinimumRequests,
        unexplained: sum.unexplainedRequests,
      },
    },
  };
}

/** What a batch was expected to use and cost, its answers left out. */
export function predictionObject({ totals }: Prediction) {
  const sum = sumOfModels(totals);
  const { output: _, ...tokens } = tokensByKind(sum);
  return { tokens, ...moneyObject(sum, sum.promptCostNanoUsd), against: againstObject(sum) };
}

function sumObject(sum: UsageSum) {
  return {
    requests: sum.requests,
    unpriced_requests: sum.unpricedRequests,
    tokens: tokensByKind(sum),
    ...moneyObject(sum, sum.costNanoUsd),
  };
}

function againstObject(sum: UsageSum) {
  return {
    no_caching: moneyObject(sum, sum.uncachedCostNanoUsd),
    plain_markers: moneyObject(sum, sum.plainCostNanoUsd),
    warm_up_recipe: moneyObject(sum, sum.warmUpCostNanoUsd),
  };
}

/** Null where nothing has a price. What is partly priced says so by `unpriced_requests`. */
function moneyObject({ requests, unpricedRequests }: UsageSum, nanoUsd: number) {
  const isPriced = unpricedRequests < requests || requests === 0;
  return { cost_usd: isPriced ? usdOf(nanoUsd) : null, nano_usd: isPriced ? nanoUsd : null };
}

/** Four decimals tell a wasted token in ten thousand. */
function rounded(share: number | null): number | null {
  return share === null ? null : Math.round(share * 10_000) / 10_000;
}
