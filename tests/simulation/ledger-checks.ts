import { billOf, mergeTotals, sumOfModels, type LedgerTotals, type TokenCounts } from '@batchwright/core';
import { findModel, type BatchResultLine } from '@batchwright/protocol';
import type { LedgerCheckpoint } from '../../packages/server/src/catalog/catalog.ts';
import type { Promised } from './promised.ts';
import { WORKSPACES, type World } from './world.ts';

/**
 * What must hold of the money at the end of every history:
 *
 * - a batch's ledger is Σ usage of its results × price, model by model, whatever crashed in between;
 * - a workspace's usage is the sum of the ledgers of its batches, deleted ones included.
 */
export async function checkUsage(world: World, found: string[]): Promise<void> {
  for (const workspaceId of WORKSPACES) {
    let sum: LedgerTotals = world.retired.get(workspaceId) ?? new Map();
    for (const batch of world.promised) {
      if (batch.workspaceId !== workspaceId) continue;
      const ledger = (await world.ledger(batch)) ?? batch.ledgerAtDeletion;
      if (ledger !== null) sum = mergeTotals(sum, ledger.totals);
    }
    const [shown, expected] = [inOrder(await world.usage(workspaceId)), inOrder(sum)];
    if (shown !== expected) found.push(`${workspaceId} used ${shown}, and its batches ${expected}`);
  }
}

/** Of a batch that has ended and was not deleted. */
export function checkLedger(
  world: World,
  batch: Promised,
  ledger: LedgerCheckpoint | null,
  rows: readonly BatchResultLine[],
  found: string[],
): void {
  if (ledger === null) return void found.push(`${batch.id} has no ledger`);
  if (ledger.rows !== rows.length) found.push(`the ledger of ${batch.id} covers ${ledger.rows} rows of ${rows.length}`);
  const expected = expectedOf(rows, world.profile.priced);
  const { requests } = sumOfModels(ledger.totals);
  const answered = rows.filter(({ result }) => result.type === 'succeeded').length;
  if (requests !== answered) found.push(`the ledger of ${batch.id} has ${requests} of ${answered} answers`);
  for (const [model, { cost, ...tokens }] of expected) {
    const sum = ledger.totals.get(model);
    for (const [kind, count] of Object.entries({ ...tokens, costNanoUsd: cost })) {
      const has = sum?.[kind as keyof TokenCounts];
      if (has !== count) found.push(`the ledger of ${batch.id} has ${has} ${kind} of ${model}, its results ${count}`);
    }
  }
}

type Expected = TokenCounts & { readonly cost: number };

function expectedOf(rows: readonly BatchResultLine[], isPriced: boolean): ReadonlyMap<string, Expected> {
  const expected = new Map<string, Expected>();
  for (const { result } of rows) {
    if (result.type !== 'succeeded') continue;
    const { model = 'unknown', usage } = result.message as Answered;
    const tokens = tokensOf(usage);
    const id = findModel(model)?.id ?? model;
    const terms = { atMs: Date.UTC(2026, 0, 1), isBatch: false, inferenceGeo: usage.inference_geo ?? null };
    const cost = isPriced ? (billOf(model, tokens, terms) ?? 0) : 0;
    expected.set(id, plus(expected.get(id), { ...tokens, cost }));
  }
  return expected;
}

interface Answered {
  readonly model?: string;
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cache_creation_input_tokens?: number;
    readonly cache_read_input_tokens?: number;
    readonly cache_creation?: { readonly ephemeral_1h_input_tokens: number };
    readonly inference_geo?: string;
  };
}

function tokensOf(usage: Answered['usage']): TokenCounts {
  const write1hTokens = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  return {
    inputTokens: usage.input_tokens,
    write5mTokens: (usage.cache_creation_input_tokens ?? 0) - write1hTokens,
    write1hTokens,
    readTokens: usage.cache_read_input_tokens ?? 0,
    outputTokens: usage.output_tokens,
  };
}

function plus(one: Expected | undefined, other: Expected): Expected {
  if (one === undefined) return other;
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    write5mTokens: one.write5mTokens + other.write5mTokens,
    write1hTokens: one.write1hTokens + other.write1hTokens,
    readTokens: one.readTokens + other.readTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cost: one.cost + other.cost,
  };
}

function inOrder(totals: LedgerTotals): string {
  return JSON.stringify([...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
