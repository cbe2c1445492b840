import { findPrices } from '@batchwright/protocol';
import { lowerBound, planPrefixes, type MarkerTtl, type PromptBlocks, type TokenRates } from '@batchwright/core';
import type { InputBill } from '@batchwright/simulator';
import { joined, promptsAt } from '../prompts/prompt-table.ts';

/** The least that calls could have been billed for, in tokens, and as a cost in tokens at the price of input. */
export interface TokenBound {
  readonly written: number;
  readonly read: number;
  readonly input: number;
  readonly cost: number;
}

export interface CostTerms {
  readonly rates: TokenRates;
  readonly minimumTokens: number;
  readonly ttlClass: MarkerTtl;
}

/** What a model's writes and reads cost, as multiples of its input. */
export function ratesOf(model: string, atMs: number): TokenRates {
  const prices = findPrices(model, 0, atMs);
  if (prices === null) throw new Error(`${model} has no price.`);
  return {
    write5m: prices.write5m / prices.input,
    write1h: prices.write1h / prices.input,
    read: prices.read / prices.input,
  };
}

export function costOf(bill: InputBill, rates: TokenRates): number {
  return (
    bill.inputTokens +
    bill.write5mTokens * rates.write5m +
    bill.write1hTokens * rates.write1h +
    bill.readTokens * rates.read
  );
}

/** Calls of one scope: which requests of a table were billed for, and how often. */
export interface BilledCalls {
  readonly prompts: PromptBlocks;
  readonly times: Uint8Array;
}

/**
 * The bound of what one scope was billed for. A request that was billed for twice, because its answer broke off, must
 * read its prefix twice: nobody could know beforehand that its whole prompt would be asked again.
 */
export function boundOf(calls: readonly BilledCalls[], { rates, minimumTokens, ttlClass }: CostTerms): TokenBound {
  const prompts = joined(calls.map(({ prompts, times }) => promptsAt(prompts, requestsBilled(times))));
  const options = { minimumTokens: () => minimumTokens, ttlClass };
  const { written, read, input } = lowerBound(prompts, options, rates);
  const again = repeats(calls, prompts, minimumTokens, ttlClass);
  const bill = { written, read: read + again.read, input: input + again.input };
  const write = ttlClass === '1h' ? rates.write1h : rates.write5m;
  return { ...bill, cost: bill.written * write + bill.read * rates.read + bill.input };
}

export function summed(bounds: readonly TokenBound[]): TokenBound {
  const sum = { written: 0, read: 0, input: 0, cost: 0 };
  for (const { written, read, input, cost } of bounds) {
    sum.written += written;
    sum.read += read;
    sum.input += input;
    sum.cost += cost;
  }
  return sum;
}

function requestsBilled(times: Uint8Array): Uint32Array {
  const requests: number[] = [];
  times.forEach((count, request) => {
    if (count > 0) requests.push(request);
  });
  return Uint32Array.from(requests);
}

/** What the second and later calls of a request read and leave. */
function repeats(
  calls: readonly BilledCalls[],
  all: PromptBlocks,
  minimumTokens: number,
  ttlClass: MarkerTtl,
): { readonly read: number; readonly input: number } {
  let [read, input, row] = [0, 0, 0];
  if (calls.every(({ times }) => times.every((count) => count <= 1))) return { read, input };
  const plan = planPrefixes(all, { markers: 'auto', profile: 'ignored', minimumTokens: () => minimumTokens, ttlClass });
  for (const { times } of calls) {
    for (const count of times) {
      if (count === 0) continue;
      const anchor = plan.anchor[row]!;
      read += (count - 1) * (anchor < 0 ? 0 : plan.tokens[anchor]!);
      input += (count - 1) * plan.suffixTokens[row]!;
      row += 1;
    }
  }
  return { read, input };
}
