import type { RunCost, RunReport } from '@batchwright/client';
import { sumOfModels, tokensByKind, usdOf } from '@batchwright/core';

/** The closing report for programs, with the names a server's ledger has. Money is exact, as dollars and as nano-dollars. */
export function reportObject(report: RunReport) {
  const { requests, counts, rejected, unsettled, retried, failures, totals, cost, batches, waves } = report;
  return {
    type: 'report',
    requests,
    counts,
    rejected,
    unsettled,
    retried,
    failures: failures.map(({ example, isPermanent, ...failure }) => ({
      ...failure,
      is_permanent: isPermanent,
      example: { custom_id: example.customId, message: example.message },
    })),
    tokens: tokensByKind(sumOfModels(totals)),
    ...moneyObject(cost?.nanoUsd ?? null),
    cost_by_kind: cost === null ? null : kindsObject(cost),
    against: {
      no_batch: moneyObject(cost?.withoutBatchNanoUsd ?? null),
      no_caching: moneyObject(cost?.withoutCachingNanoUsd ?? null),
    },
    models: [...totals].map(([model, sum]) => ({
      model,
      requests: sum.requests,
      tokens: tokensByKind(sum),
      ...moneyObject(sum.unpricedRequests > 0 ? null : sum.costNanoUsd),
    })),
    batches,
    waves,
    started_at: new Date(report.startedAtMs).toISOString(),
    elapsed_seconds: report.elapsedMs / 1000,
  };
}

function kindsObject({ byKind }: RunCost) {
  return {
    input: moneyObject(byKind.input),
    cache_creation_5m: moneyObject(byKind.write5m),
    cache_creation_1h: moneyObject(byKind.write1h),
    cache_read: moneyObject(byKind.read),
    output: moneyObject(byKind.output),
  };
}

function moneyObject(nanoUsd: number | null) {
  return { cost_usd: nanoUsd === null ? null : usdOf(nanoUsd), nano_usd: nanoUsd };
}
