/** W10–W13, W16 and W18: several batches, calls longer than entries live, faults, caches that lose, replicas, restarts. */
import { UPSTREAM_PROFILES, worthwhileRequests, type PromptBlocks } from '@batchwright/core';
import { Chance } from '../prompts/chance.ts';
import { gridPrompts, type Grid } from '../prompts/grids.ts';
import { joined, promptsAt, PromptTable } from '../prompts/prompt-table.ts';
import { ratesOf } from '../bounds/token-cost.ts';
import type { FaultyCall, Fault } from '../play/simulated-upstream.ts';
import type { Case, CaseBatch } from './case.ts';
import { PLAYED_AT_MS, SONNET_4_5 } from './models.ts';
import { one, uniquePrompts, W2_GRID, W3_GRID } from './shared-documents.ts';

const BASE = { ...SONNET_4_5, concurrency: 50, markers: 'respect', isCompared: true } as const;
const MEDIUM: Grid = { ...W2_GRID, documents: 20, questions: 500 };
const W3_MARKED: Grid = { ...W3_GRID, marks: ['system', 'document'] };
const LOSS = 0.2;

/** All of W2, W3 and W4, shuffled and dealt to three batches; the second is another tenant's. */
function dealtBatches(): readonly CaseBatch[] {
  const { model } = BASE;
  const all = joined([
    gridPrompts(W2_GRID, model),
    gridPrompts({ ...W3_MARKED, salt: 1 }, model),
    uniquePrompts(model),
  ]);
  const order = new Chance(10).shuffled(all.requestCount);
  return [0, 1, 2].map((batch) => ({
    tenant: batch === 1 ? 'b' : 'a',
    prompts: promptsAt(
      all,
      order.filter((_, i) => i % 3 === batch),
    ),
    atMs: 30_000 * batch,
  }));
}

/** Two in a hundred are refused, one in a hundred breaks off, and of the leaders one in ten more is refused. */
function faultyTwelve(): (call: FaultyCall) => Fault | null {
  const chance = new Chance(12);
  return ({ isLeader }) => {
    const drawn = chance.unit();
    if (drawn < 0.02) return 'overloaded';
    if (drawn < 0.03) return 'mid_stream';
    return isLeader && drawn < 0.13 ? 'overloaded' : null;
  };
}

/** One document after another, each written once; every other request reads it, and one in so many is lost and writes. */
function lossyOptimum(prompts: PromptBlocks): number {
  const rates = ratesOf(BASE.model, PLAYED_AT_MS);
  const requests = new Map<number, { tokens: number; count: number }>();
  let input = 0;
  for (let r = 0; r < prompts.requestCount; r++) {
    const first = prompts.firstBlock[r]!;
    const document = requests.get(prompts.hash[first]!) ?? { tokens: prompts.tokens[first]!, count: 0 };
    document.count += 1;
    requests.set(prompts.hash[first]!, document);
    input += prompts.tokens[prompts.firstBlock[r + 1]! - 1]! - document.tokens;
  }
  const later = (1 - LOSS) * rates.read + LOSS * rates.write5m;
  let cost = input;
  for (const { tokens, count } of requests.values()) {
    const isWorth = count >= worthwhileRequests(rates, 0);
    cost += tokens * (isWorth ? rates.write5m + (count - 1) * later : count);
  }
  return cost;
}

/** One document has three requests in five, the others share the rest. */
function hotPrompts(): PromptBlocks {
  const chance = new Chance(16);
  const table = new PromptTable();
  for (let i = 0; i < 10_000; i++) {
    const document = chance.unit() < 0.6 ? 0 : chance.between(1, 100);
    table.add([
      { says: 1e6 + document, tokens: 20_000 },
      { says: 3e9 + i, tokens: 50 },
    ]);
  }
  return table.prompts(BASE.model);
}

const THINKING = { ...BASE, answerMs: 399_000 } as const;
const THOUGHT: Grid = { ...W2_GRID, documents: 1, questions: 20 };
const HALF_WAY_MS = 2_000_000;
const LATE_NOTE = 'the lesson costs the first document’s followers once, whatever the size of what comes after';

export const TROUBLED: readonly Case[] = [
  {
    ...BASE,
    id: 'W10',
    title: 'W2, W3 and W4 shuffled into three batches of two tenants, 30 s apart',
    batches: dealtBatches,
    goals: { efficiency: 0.999 },
  },
  {
    ...THINKING,
    id: 'W11/2',
    title: '20 questions on 1 document, each 400 s long, 2 calls at a time',
    concurrency: 2,
    batches: () => one(gridPrompts(THOUGHT, BASE.model)),
    goals: {},
  },
  {
    ...THINKING,
    id: 'W11/8',
    title: '40 questions on each of 10 documents, each 400 s long, 8 calls at a time',
    concurrency: 8,
    batches: () => one(gridPrompts({ ...THOUGHT, documents: 10, questions: 40 }, BASE.model)),
    goals: {},
  },
  {
    ...THINKING,
    id: 'W11/known',
    title: 'W11/8 when it is known beforehand how long a call takes',
    concurrency: 8,
    pace: { firstByteMs: 1000, durationMs: 400_000 },
    batches: () => one(gridPrompts({ ...THOUGHT, documents: 10, questions: 40 }, BASE.model)),
    isCompared: false,
    goals: {},
  },
  {
    ...THINKING,
    id: 'W11/1h',
    title: '20 questions on 1 document, each 400 s long, one at a time, markers of an hour',
    concurrency: 1,
    markers: 'auto',
    ttlClass: '1h',
    batches: () => one(gridPrompts({ ...THOUGHT, marks: [] }, BASE.model)),
    goals: {},
    note: 'the hour is asked for here; nothing chooses it by itself yet',
  },
  {
    ...BASE,
    id: 'W12',
    title: 'W3 with 2 % refused, 1 % broken off, and 10 % of leaders refused besides',
    batches: () => one(gridPrompts(W3_MARKED, BASE.model)),
    faults: faultyTwelve,
    goals: { efficiency: 0.995 },
    isCompared: false,
    note: 'the bound counts every call that showed a first byte, for those were billed',
  },
  {
    ...BASE,
    id: 'W13/lossy',
    title: 'W2, one read in five is lost and writes again',
    cache: { lossy: LOSS },
    lossyOptimum,
    batches: () => one(gridPrompts(W2_GRID, BASE.model)),
    goals: { efficiency: 0.98 },
    note: 'judged against the best to expect with such losses; against the bound without, nobody can reach a third',
  },
  {
    ...BASE,
    id: 'W13/late',
    title: 'W2, readable two seconds after the first byte',
    cache: { visibilityDelayMs: 2000 },
    batches: () => one(gridPrompts(W2_GRID, BASE.model)),
    goals: { efficiency: 0.98 },
    note: LATE_NOTE,
  },
  {
    ...BASE,
    id: 'W13/late10',
    title: 'a tenth of W2, readable two seconds after the first byte',
    cache: { visibilityDelayMs: 2000 },
    batches: () => one(gridPrompts({ ...W2_GRID, documents: 10 }, BASE.model)),
    goals: {},
    note: LATE_NOTE,
  },
  {
    ...BASE,
    id: 'W16',
    title: '8 replicas that cache by themselves, 10,000 requests of which 60 % on one document',
    concurrency: 128,
    profile: UPSTREAM_PROFILES.vllm,
    cache: { visibility: 'allocation' },
    replicas: 8,
    markers: 'respect',
    batches: () => one(hotPrompts()),
    goals: { efficiency: 0.999 },
    note: 'the bound is that of one cache for all; 60 % on one document do not fit on fewer than five replicas',
  },
  {
    ...BASE,
    id: 'W18/cancel',
    title: 'two batches on the same 20 documents; the first is canceled half-way',
    batches: () => [
      { tenant: 'a', prompts: gridPrompts({ ...MEDIUM, questions: 250 }, BASE.model), cancelAtMs: HALF_WAY_MS / 2 },
      { tenant: 'a', prompts: gridPrompts({ ...MEDIUM, questions: 250, asker: 1 }, BASE.model) },
    ],
    goals: { makespan: null },
    isCompared: false,
  },
  {
    ...BASE,
    id: 'W18/restart',
    title: '500 questions on each of 20 documents; kill -9 half-way',
    restartAtMs: HALF_WAY_MS,
    batches: () => one(gridPrompts(MEDIUM, BASE.model)),
    goals: {},
    isCompared: false,
  },
];
