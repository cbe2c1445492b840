import type { RunEstimate } from '@batchwright/client';
import { usdOf, warningText, type Forecast, type PredictedUsage, type Span } from '@batchwright/core';

/** An estimate for programs, in the words of the server's own (`POST /ext/v1/estimate`); keys are only ever added. */
export function estimateJson({ requests, markers, models, against, waves, plan, warnings, ...whole }: RunEstimate) {
  return {
    type: 'run_estimate',
    requests,
    markers,
    ...forecastJson(whole),
    models: models.map((model) => ({ model: model.model, requests: model.requests, ...forecastJson(model) })),
    against: {
      no_caching: forecastJson(against.noCaching),
      plain_markers: against.plainMarkers === null ? null : forecastJson(against.plainMarkers),
      warm_up_recipe: against.warmUpRecipe === null ? null : forecastJson(against.warmUpRecipe),
    },
    waves: waves.map(({ tokens, ...counts }) => ({ ...counts, tokens: tokensJson(tokens) })),
    plan: {
      prefixes: plan.prefixes,
      top: plan.top.map(({ nanoUsd, ownTokens, ...prefix }) => ({
        ...prefix,
        own_tokens: ownTokens,
        saving_usd: nanoUsd === null ? null : usdOf(nanoUsd),
      })),
      requests_sharing: plan.requestsSharing,
      single: plan.single,
    },
    warnings: warnings.map(({ warning, customIds }) => ({
      code: warning.code,
      message: warningText(warning),
      count: warning.count,
      custom_ids: customIds,
    })),
  };
}

function forecastJson({ tokens, nanoUsd }: Forecast) {
  return {
    tokens: { ...tokensJson(tokens), output: tokens.output },
    cost_usd: nanoUsd === null ? null : spanJson(nanoUsd, usdOf),
  };
}

function tokensJson({ input, written5m, written1h, read }: PredictedUsage) {
  return { input, cache_creation_5m: written5m, cache_creation_1h: written1h, cache_read: read };
}

function spanJson<Value>({ low, expected, high }: Span, show: (amount: number) => Value) {
  return { low: show(low), expected: show(expected), high: show(high) };
}
