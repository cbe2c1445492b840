import type { JsonObject, TokenCounts } from '@batchwright/core';
import type { CacheEntryView } from '../cache/prompt-cache.ts';
import type { LedgerEntry, LedgerTotals, LedgerView } from '../ledger/ledger.ts';
import type { PrefixWrite, PrefixWriteTally } from '../ledger/prefix-writes.ts';
import type { Simulator } from '../simulator.ts';

/** How the simulator's accounts look over HTTP: `/sim/ledger`, `/sim/cache`, `/sim/inflight`. Hashes are shown in hex. */
const MOST_PREFIXES_SHOWN = 1000;

/** What everything cost, with the latest `limit` requests. */
export function showLedger(ledger: LedgerView, limit: number): JsonObject {
  const entries = ledger.entries();
  return {
    totals: showTotals(ledger.totals),
    models: [...ledger.byModel].map(([model, totals]) => ({ model, ...showTotals(totals) })),
    misses: Object.fromEntries(ledger.byMiss),
    prefix_writes: showWrites(ledger.writes),
    data: entries.slice(-limit).map(showEntry),
    has_more: entries.length > limit,
  };
}

export function showCacheEntry(entry: CacheEntryView): JsonObject {
  return {
    scope: entry.scope,
    hash: hex(entry.hash),
    tokens: entry.tokens,
    class: entry.ttl,
    ready_at: entry.readyAtMs,
    expires_at: entry.expiresAtMs,
  };
}

export function showInFlight({ inFlightCount, peakInFlight, runningBatches }: Simulator): JsonObject {
  const { batches, items } = runningBatches;
  return { in_flight: inFlightCount, peak: peakInFlight, batches, batch_items: items };
}

function showTotals(totals: Readonly<LedgerTotals>): JsonObject {
  return {
    requests: totals.requests,
    ...showTokens(totals),
    nano_dollars: totals.cost,
    dollars: totals.cost / 1e9,
    unpriced_requests: totals.unpriced,
  };
}

function showTokens(tokens: TokenCounts): JsonObject {
  return {
    input_tokens: tokens.inputTokens,
    cache_creation_input_tokens: tokens.write5mTokens + tokens.write1hTokens,
    cache_read_input_tokens: tokens.readTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: tokens.write5mTokens,
      ephemeral_1h_input_tokens: tokens.write1hTokens,
    },
    output_tokens: tokens.outputTokens,
  };
}

function showWrites(tally: PrefixWriteTally): JsonObject {
  return {
    prefixes: tally.prefixes,
    writes: tally.writes,
    duplicates: tally.duplicates,
    duplicate_tokens: tally.duplicateTokens,
    untracked: tally.untracked,
    duplicated: tally.duplicated.slice(0, MOST_PREFIXES_SHOWN).map(showWrite),
  };
}

function showWrite({ scope, hash, tokens, writes, againTokens }: PrefixWrite): JsonObject {
  return { scope, hash: hex(hash), tokens, writes, again_tokens: againTokens };
}

function showEntry(entry: Readonly<LedgerEntry>): JsonObject {
  return {
    request_id: entry.requestId,
    custom_id: entry.customId,
    reason: entry.reason,
    at_ms: entry.atMs,
    workspace: entry.workspace,
    model: entry.model,
    surface: entry.surface,
    usage: showTokens({ ...entry.tokens, outputTokens: entry.outputTokens }),
    nano_dollars: entry.cost,
    miss: entry.miss,
  };
}

function hex(hash: number): string {
  return hash.toString(16).padStart(14, '0');
}
