/** What a client should know before it pays: each warning can be shown from what intake noted, and says what helps. */
import { findModel } from '@batchwright/protocol';
import { ClientMarks } from '../prefix/client-marks.ts';
import { findMarkerFaults } from '../prefix/marker-faults.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { planPrefixes } from '../prefix/plan-prefixes.ts';
import type { PromptBlocks } from '../prefix/prompt-blocks.ts';
import { RequestGroupBuilder, type RequestGroup } from '../prefix/request-group.ts';
import type { RequestNotes } from '../prefix/request-notes.ts';
import { COMMON_RATES, TTL_CODES, worthwhileRequests } from '../prefix/token-rates.ts';
import { findOtherToolOrders } from '../prefix/tool-order.ts';
import { ratesOf } from './bill.ts';
import { estimateBatch, type BatchEstimate, type EstimateTerms } from './estimate.ts';
import { usdOf } from './usd.ts';

export type EstimateWarning = RequestGroup &
  (
    | {
        readonly code: 'prefix_below_minimum';
        readonly model: string;
        readonly tokens: number;
        readonly minimum: number;
      }
    | { readonly code: 'marker_on_varying_block'; readonly tokens: number }
    | { readonly code: 'tool_order_differs' }
    | { readonly code: 'ttl_too_short'; readonly gapMs: number; readonly ttlMs: number }
    | { readonly code: 'unknown_model_price'; readonly model: string }
    | {
        readonly code: 'no_markers';
        /** Tokens that would be read besides those that are read anyway. */
        readonly readTokens: number;
        /** What the batch would be likely to cost, as it was sent and with markers; null without prices. */
        readonly nanoUsd: { readonly asSent: number; readonly marked: number } | null;
      }
  );

/** How the server sends: what decides whether an entry is still there when it is wanted. */
export interface ServerPace {
  /** Calls that may be in flight at once. */
  readonly concurrency: number;
  /** How long calls take, on average. */
  readonly durationMs: number;
  /** How long an entry of 5 minutes lives; null: until it is evicted. */
  readonly ttlMs: number | null;
}

/** A batch that was estimated, and what that was made of. */
export interface Estimated {
  readonly blocks: PromptBlocks;
  readonly notes: RequestNotes;
  readonly plan: PlacedPlan;
  readonly estimate: BatchEstimate;
  readonly terms: EstimateTerms;
}

/** In the order of the codes above. */
export function estimateWarnings(estimated: Estimated, pace: ServerPace): readonly EstimateWarning[] {
  const warnings = [
    ...markerWarnings(estimated),
    toolOrderWarning(estimated),
    ttlWarning(estimated, pace),
    ...priceWarnings(estimated),
    noMarkersWarning(estimated),
  ];
  return warnings.filter((warning) => warning !== null && warning.count > 0) as readonly EstimateWarning[];
}

/** Names the thing, the value and the remedy. */
export function warningText(warning: EstimateWarning): string {
  const who = warning.count === 1 ? '1 request' : `${warning.count} requests`;
  switch (warning.code) {
    case 'prefix_below_minimum':
      return (
        `${who} to ${warning.model} share at most ${warning.tokens} tokens (estimated) with others, and the model caches ` +
        `prefixes from ${warning.minimum} tokens on: nothing is cached. Share more, or use a model with a lower minimum.`
      );
    case 'marker_on_varying_block':
      return (
        `${who} mark a block that no other request of the batch has: ${warning.tokens} tokens are written to the cache, ` +
        `dearer than plain input, and read by none. Put cache_control on the last block that requests have in common.`
      );
    case 'tool_order_differs':
      return (
        `${who} list the same tools as others in another order. Prompts begin with their tools, so nothing is shared ` +
        `with the others. List tools in one order.`
      );
    case 'ttl_too_short':
      return (
        `${who} share prefixes that are kept for ${seconds(warning.ttlMs)} seconds, and at this server's pace start ` +
        `${seconds(warning.gapMs)} seconds apart on average: prefixes are gone by then, and written again. Mark them with ` +
        `"ttl": "1h", or raise the server's concurrency.`
      );
    case 'unknown_model_price':
      return (
        `No price is known for ${warning.model === '' ? 'a model that is missing or unreadable' : warning.model}: ` +
        `${who} ${warning.count === 1 ? 'is' : 'are'} counted in tokens alone. State its price with the server's option prices, or use a model with a known one.`
      );
    case 'no_markers':
      return `${who} carry no cache_control and share prefixes with others. ${remedyOf(warning)}`;
    default:
      return warning satisfies never;
  }
}

function remedyOf({ readTokens, nanoUsd }: EstimateWarning & { readonly code: 'no_markers' }): string {
  const remedy = `With "markers": "auto" in batchwright-options ${readTokens} tokens more would be read from the cache`;
  if (nanoUsd === null) return `${remedy}.`;
  const { asSent, marked } = nanoUsd;
  const saved = about(asSent - marked);
  return `${remedy}, and the batch would cost about $${about(marked)} instead of $${about(asSent)}: $${saved} less.`;
}

/** An estimate to the nano-dollar would promise what it cannot keep. */
function about(nanoUsd: number): string {
  const step = 10 ** Math.max(0, String(nanoUsd).length - SIGNIFICANT_DIGITS);
  return usdOf(Math.round(nanoUsd / step) * step);
}

const SIGNIFICANT_DIGITS = 4;

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

function markerWarnings({ blocks, plan, terms }: Estimated): readonly EstimateWarning[] {
  if (terms.markers === 'off' || terms.profile === 'ignored') return [];
  const { short, lone } = findMarkerFaults(blocks, plan, terms.minimumTokens);
  return [
    ...short.map((prefix) => ({ code: 'prefix_below_minimum', ...prefix }) as const),
    { code: 'marker_on_varying_block', ...lone },
  ];
}

function toolOrderWarning({ blocks, notes }: Estimated): EstimateWarning {
  return { code: 'tool_order_differs', ...findOtherToolOrders(blocks, notes) };
}

/**
 * With `concurrency` calls in flight, starts lie on average a call's duration divided by that apart. Where that is longer
 * than an entry lives, no order keeps a prefix alive that more requests share than can start at once.
 */
function ttlWarning({ plan, terms }: Estimated, pace: ServerPace): EstimateWarning | null {
  const gapMs = pace.durationMs / pace.concurrency;
  if (terms.profile === 'ignored' || pace.ttlMs === null || gapMs <= pace.ttlMs) return null;
  const fewest = worthwhileRequests(COMMON_RATES, TTL_CODES['1h']);
  const late = new RequestGroupBuilder();
  plan.anchor.forEach((node, request) => {
    if (node < 0 || plan.ttl[node] === TTL_CODES['1h']) return;
    const sharing = plan.requests[node] as number;
    if (sharing > pace.concurrency && sharing >= fewest) late.add(request);
  });
  return { code: 'ttl_too_short', gapMs, ttlMs: pace.ttlMs, ...late.group };
}

function priceWarnings({ blocks, terms }: Estimated): readonly EstimateWarning[] {
  if (!terms.isPriced) return [];
  const unpriced = new Map<string, RequestGroupBuilder>();
  const nameOf = blocks.models.map((name) => (ratesOf(name, 0, terms) === null ? (findModel(name)?.id ?? name) : null));
  blocks.model.forEach((model, request) => {
    const name = nameOf[model] ?? null;
    if (name === null) return;
    const requests = unpriced.get(name) ?? new RequestGroupBuilder();
    unpriced.set(name, requests);
    requests.add(request);
  });
  return [...unpriced].map(([model, requests]) => ({ code: 'unknown_model_price', model, ...requests.group }));
}

/** What the same batch would be under `auto`, if it has requests that carry no marker. */
function noMarkersWarning({ blocks, notes, plan, estimate, terms }: Estimated): EstimateWarning | null {
  if (terms.markers !== 'respect' || terms.profile === 'ignored') return null;
  const marks = new ClientMarks(blocks, terms.minimumTokens);
  const auto = { ...terms, markers: 'auto' } as const;
  const placed = planPrefixes(blocks, auto);
  const gaining = new RequestGroupBuilder();
  const marked: number[] = [];
  placed.anchor.forEach((node, request) => {
    if (node < 0 || plan.anchor[request] !== -1) return;
    marks.read(request, marked);
    if (marked.length === 0) gaining.add(request);
  });
  if (gaining.group.count === 0) return null;
  const better = estimateBatch(blocks, placed, notes.maxTokens, auto);
  const readTokens = better.tokens.read - estimate.tokens.read;
  const nanoUsd =
    estimate.nanoUsd === null || better.nanoUsd === null
      ? null
      : { asSent: estimate.nanoUsd.expected, marked: better.nanoUsd.expected };
  const gains = nanoUsd === null ? readTokens > 0 : nanoUsd.marked < nanoUsd.asSent;
  return gains ? { code: 'no_markers', readTokens, nanoUsd, ...gaining.group } : null;
}
