import type { PlacedPlan, PromptBlocks } from '@batchwright/core';
import { PromptCache, type CacheTurn } from '@batchwright/simulator';
import { BillTally } from '../play/bill-tally.ts';
import { EventQueue } from '../play/event-queue.ts';
import { PromptMarkers } from '../play/prompt-markers.ts';
import { unreadTokens, USUAL_TIMING } from '../play/simulated-upstream.ts';
import { WAVE_MS } from './wave-cases.ts';

/** A native batch, and when it is sent, in waves from 0. */
export interface SentBatch {
  readonly wave: number;
  readonly requests: Uint32Array;
}

export interface SentPrompts {
  readonly prompts: PromptBlocks;
  /** Null: with the client's markers alone. */
  readonly plan: PlacedPlan | null;
  readonly minimumTokens: number;
}

/**
 * What each wave is billed for by the simulator's own cache, as strict as it gets: items of a batch never see what the
 * same batch wrote. A wave takes all of its ten minutes, over which the items of each of its batches begin one by one.
 */
export function sendWaves({ prompts, plan, minimumTokens }: SentPrompts, batches: readonly SentBatch[]): BillTally[] {
  const cache = new PromptCache({ intraBatch: 'isolated' });
  const markers = new PromptMarkers(prompts, plan, false);
  const tallies: BillTally[] = [];
  const events = new EventQueue<(nowMs: number) => void>();

  const start = (batch: string, wave: number, request: number, nowMs: number): void => {
    const [from, to] = [prompts.firstBlock[request]!, prompts.firstBlock[request + 1]!];
    const [hashes, tokens] = [prompts.hash.subarray(from, to), prompts.tokens.subarray(from, to)];
    const turn = cache.look(
      { scope: 'a/batch', batch, minimumTokens, hashes, tokens, markers: markers.of(request) },
      nowMs,
    );
    cache.begin(turn);
    (tallies[wave] ??= new BillTally()).add(turn);
    events.push(nowMs + firstByteMs(turn), (atMs) => cache.firstByte(turn, atMs));
  };
  batches.forEach(({ wave, requests }, number) => {
    const everyMs = (WAVE_MS - LAST_CALL_MS) / requests.length;
    requests.forEach((request, i) =>
      events.push(wave * WAVE_MS + i * everyMs, (nowMs) => start(`msgbatch_${number}`, wave, request, nowMs)),
    );
  });
  for (let due = events.pop(); due !== null; due = events.pop()) due.event(due.atMs);
  return tallies;
}

/** So long before a wave's end its last calls begin. */
const LAST_CALL_MS = 60_000;

function firstByteMs(turn: CacheTurn): number {
  return USUAL_TIMING.baseMs + unreadTokens(turn) / USUAL_TIMING.tokensPerMs;
}
