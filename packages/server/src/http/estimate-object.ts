import {
  USUAL_ANSWER_TOKENS,
  usdOf,
  warningText,
  type Forecast,
  type ModelForecast,
  type PrefixSaving,
  type Span,
} from '@batchwright/core';
import type { BodyEstimate, BodyWarning } from '../intake/estimate.ts';

/** An estimate as the API shows it. The order of its keys is part of it. */
export function estimateObject(estimate: BodyEstimate) {
  const { requests, markers, plan, against, models, warnings } = estimate;
  return {
    type: 'batch_estimate',
    requests,
    markers,
    ...forecastObject(estimate),
    models: models.map(modelObject),
    against: {
      no_caching: forecastObject(against.noCaching),
      plain_markers: against.plainMarkers === null ? null : forecastObject(against.plainMarkers),
      warm_up_recipe: against.warmUpRecipe === null ? null : forecastObject(against.warmUpRecipe),
    },
    plan: {
      prefixes: plan.prefixes,
      top: plan.top.map(prefixObject),
      requests_sharing: plan.requestsSharing,
      single: plan.single,
    },
    warnings: warnings.map(warningObject),
    basis: basisOf(estimate),
  };
}

function forecastObject({ tokens, nanoUsd }: Forecast) {
  return {
    tokens: {
      input: tokens.input,
      cache_creation_5m: tokens.written5m,
      cache_creation_1h: tokens.written1h,
      cache_read: tokens.read,
      output: { low: tokens.output.low, expected: tokens.output.expected, high: tokens.output.high },
    },
    cost_usd: nanoUsd === null ? null : eachOf(nanoUsd, usdOf),
    nano_usd: nanoUsd === null ? null : eachOf(nanoUsd, (amount) => amount),
  };
}

function eachOf<Value>({ low, expected, high }: Span, show: (amount: number) => Value) {
  return { low: show(low), expected: show(expected), high: show(high) };
}

function modelObject(forecast: ModelForecast) {
  return { model: forecast.model, requests: forecast.requests, ...forecastObject(forecast) };
}

function prefixObject({ model, tokens, ownTokens, requests, block, ttl, nanoUsd }: PrefixSaving) {
  return {
    model,
    tokens,
    own_tokens: ownTokens,
    requests,
    block,
    ttl,
    saving_usd: nanoUsd === null ? null : usdOf(nanoUsd),
    saving_nano_usd: nanoUsd,
  };
}

function warningObject({ warning, customIds }: BodyWarning) {
  return { code: warning.code, message: warningText(warning), count: warning.count, custom_ids: customIds };
}

/** How the figures were made, for whoever reads them without the manual. */
function basisOf({ isBatch, models }: BodyEstimate) {
  const isPriced = models.some(({ nanoUsd }) => nanoUsd !== null);
  return {
    tokens: 'Prompts are estimated from their size, and taken to find nothing in the cache that another batch wrote.',
    output:
      `low: one token a request; expected: ${USUAL_ANSWER_TOKENS} tokens a request, or max_tokens where that is less; ` +
      'high: max_tokens, or what the model can write where that is less.',
    prices: isPriced
      ? isBatch
        ? 'Batch prices, half of the synchronous ones.'
        : 'Synchronous prices: this upstream gives no batch discount.'
      : null,
  };
}
