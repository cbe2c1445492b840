import { sumOfModels, unplanned, usageOf } from '@batchwright/core';
import type { BatchId, MicrosecondsUtc } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import type { LedgerCheckpoint } from '../catalog/catalog.ts';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import { store, submission } from '../spool/spool.fixture.ts';
import type { ResultChunk, Spool } from '../spool/spool.ts';
import { ShardLedger } from './shard-ledger.ts';

const ID = 'msgbatch_01a' as BatchId;
const BILLING = { isBatch: true, isPriced: true, reports: 'full' } as const;
const MODEL = 'claude-sonnet-5-5';
/** Before and after the day on which the model became cheaper to read. */
const [BEFORE_MS, AFTER_MS] = [Date.UTC(2026, 9, 6), Date.UTC(2026, 9, 7)];
const us = (ms: number): MicrosecondsUtc => (ms * 1000) as MicrosecondsUtc;
const COUNT = 12;

const usage = (request: number) => ({ cache_read_input_tokens: 1000, output_tokens: request });
const resultOf = (request: number): object =>
  request % 4 === 3 ? { type: 'expired' } : { type: 'succeeded', message: { model: MODEL, usage: usage(request) } };
const lineOf = (request: number): Buffer =>
  Buffer.from(`${JSON.stringify({ custom_id: `r-${request}`, result: resultOf(request) })}\n`);

function rowOf(request: number) {
  const use = request % 4 === 3 ? null : usageOf(MODEL, usage(request));
  const type = use === null ? ('expired' as const) : ('succeeded' as const);
  return { request, type, lineBytes: lineOf(request).length, use };
}

/** The log of a batch in which these requests settled, in this order. */
async function logOf(order: readonly number[]): Promise<Spool> {
  const spool = createMemorySpool();
  await store(spool, ID, submission(Array.from({ length: COUNT }, () => '{}')));
  const log = await spool.openResultLog(ID, 0, 1);
  const chunk: ResultChunk = { lines: Buffer.concat(order.map(lineOf)), rows: order.map(rowOf) };
  await log.commit(chunk);
  await log.close();
  return spool;
}

async function reopened(spool: Spool, kept: LedgerCheckpoint | null) {
  const { settled } = await spool.openResultLog(ID, 0, 2);
  const ledger = new ShardLedger(unplanned(COUNT), BILLING);
  const isWhole = await ledger.restore(kept, settled, us(BEFORE_MS), () => spool.readResults(ID));
  return { ledger, isWhole };
}

function folded(order: readonly number[], atMs: number): ShardLedger {
  const ledger = new ShardLedger(unplanned(COUNT), BILLING);
  for (const request of order) ledger.add(rowOf(request), atMs);
  return ledger;
}

const ORDER = [5, 3, 0, 11, 7, 2, 1, 10];

describe('the ledger of a shard that is opened again', () => {
  it('is that of its log, wherever the last checkpoint was', async () => {
    const spool = await logOf(ORDER);
    const whole = folded(ORDER, BEFORE_MS).checkpoint(us(0));
    for (let kept = 0; kept <= ORDER.length; kept++) {
      const checkpoint = folded(ORDER.slice(0, kept), BEFORE_MS).checkpoint(us(BEFORE_MS));
      const { ledger, isWhole } = await reopened(spool, kept === 0 ? null : checkpoint);
      expect(isWhole).toBe(true);
      expect(ledger.checkpoint(us(0))).toEqual(whole);
    }
  });

  it('prices what came after the checkpoint as of its moment, and not as of the restart', async () => {
    const spool = await logOf(ORDER);
    const kept = folded(ORDER.slice(0, 3), BEFORE_MS).checkpoint(us(AFTER_MS));
    const expected = folded(ORDER.slice(0, 3), BEFORE_MS);
    for (const request of ORDER.slice(3)) expected.add(rowOf(request), AFTER_MS);
    const { ledger } = await reopened(spool, kept);
    expect(ledger.totals).toEqual(expected.totals);
    const cost = sumOfModels(ledger.totals).costNanoUsd;
    expect(cost).not.toBe(sumOfModels(folded(ORDER, BEFORE_MS).totals).costNanoUsd);
  });

  it('stands when its log is shorter than what it covers', async () => {
    const spool = await logOf(ORDER.slice(0, 2));
    const kept = folded(ORDER, BEFORE_MS).checkpoint(us(BEFORE_MS));
    const { ledger, isWhole } = await reopened(spool, kept);
    expect(isWhole).toBe(false);
    expect(ledger.totals).toEqual(kept.totals);
    ledger.add(rowOf(9), BEFORE_MS);
    expect(ledger.checkpoint(us(0)).rows).toBe(kept.rows + 1);
  });

  it('reads lines longer than it reads at a time', async () => {
    const spool = createMemorySpool();
    await store(spool, ID, submission(['{}', '{}']));
    const log = await spool.openResultLog(ID, 0, 1);
    const long = (request: number): Buffer => {
      const message = { model: MODEL, usage: usage(request), content: 'x'.repeat(700_000) };
      return Buffer.from(`${JSON.stringify({ custom_id: `r-${request}`, result: { type: 'succeeded', message } })}\n`);
    };
    const lines = [1, 0].map(long);
    const rows = [1, 0].map((request, i) => ({ ...rowOf(request), lineBytes: lines[i]!.length }));
    await log.commit({ lines: Buffer.concat(lines), rows });
    await log.close();
    const { ledger } = await reopened(spool, null);
    expect(sumOfModels(ledger.totals)).toMatchObject({ requests: 2, outputTokens: 1, readTokens: 2000 });
    expect(ledger.checkpoint(us(0)).bytes).toBe(lines[0]!.length + lines[1]!.length);
  });

  it('opens no results when nothing came after the checkpoint', async () => {
    const spool = await logOf(ORDER);
    const { settled } = await spool.openResultLog(ID, 0, 2);
    const ledger = new ShardLedger(unplanned(COUNT), BILLING);
    const kept = folded(ORDER, BEFORE_MS).checkpoint(us(BEFORE_MS));
    const open = () => Promise.reject(new Error('opened'));
    expect(await ledger.restore(kept, settled, us(0), open)).toBe(true);
  });
});

it('tells what each line cost', () => {
  const ledger = new ShardLedger(unplanned(COUNT), BILLING);
  expect(ledger.add(rowOf(2), BEFORE_MS)).toBe((1000 * 200 + 2 * 10_000) / 2);
  expect(ledger.add(rowOf(3), BEFORE_MS)).toBe(0);
  expect(new ShardLedger(unplanned(COUNT), { ...BILLING, isPriced: false }).add(rowOf(2), BEFORE_MS)).toBe(0);
});
